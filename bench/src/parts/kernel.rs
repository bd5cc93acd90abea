//! Notebook kernels.
use crate::bench::Bench;
use anyhow::Result;
pub const CONTESTS: usize = 0;
pub fn run(_: &mut Bench) -> Result<()> {
    Ok(())
}
