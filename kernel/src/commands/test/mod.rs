//! `cargo labs test`: every test there is, step by step.

mod run;
mod screen;
mod steps;

use crate::place::{Place, make_private};
use anyhow::{Result, bail};
use clap::Args;
use run::{Ending, Run};
use std::time::Instant;
use steps::{QUICK, SET_UP, STEPS, Step};

/// The options of `test`.
#[derive(Args, Debug)]
pub struct Test {
    /// Only the steps whose name contains this word
    #[arg(long, value_name = "WORD")]
    only: Option<String>,
    /// What finds most mistakes while you work: one kernel, one lab, and the tests that need neither
    #[arg(long, conflicts_with = "night")]
    quick: bool,
    /// The long ones too: 10,000 random kills, Miri, sanitizers
    #[arg(long)]
    night: bool,
}

impl Test {
    /// Runs the steps, all of them even if one fails, and ends with a line that counts them.
    pub fn run(self) -> Result<()> {
        let place = Place::find()?;
        place.require_checkout("test")?;
        make_private(&place.home)?;
        let all: &[Step] = if self.quick { &QUICK } else { &STEPS };
        let wanted = |step: &&Step| match &self.only {
            Some(word) => step.name.contains(word.as_str()),
            None => self.night || !step.night,
        };
        let mut steps: Vec<Step> = all.iter().filter(wanted).copied().collect();
        if steps.is_empty() {
            bail!("No step's name contains that word.");
        }
        if steps.iter().any(Step::needs_set_up) {
            steps.insert(0, SET_UP);
        }

        let start = Instant::now();
        let (endings, stopped) = Run::new(&place, &steps, self.night)?.to_the_end()?;
        for (step, ending) in &endings {
            if let Ending::Failed(_, why) = ending {
                println!("\n── what failed in {}:\n{why}", step.name);
            }
        }
        println!();
        for Step { name, .. } in &steps {
            match endings.iter().find(|(step, _)| step.name == *name) {
                Some((_, Ending::Passed(elapsed))) => {
                    println!("ok       {name:<18} {:>6.1} s", elapsed.as_secs_f64());
                }
                Some((_, Ending::Failed(elapsed, _))) => {
                    println!("FAILED   {name:<18} {:>6.1} s", elapsed.as_secs_f64());
                }
                Some((_, Ending::Skipped(advice))) => {
                    println!("skipped  {name:<18} to run it: {advice}");
                }
                None => println!("stopped  {name:<18}"),
            }
        }
        let count =
            |which: fn(&Ending) -> bool| endings.iter().filter(|(_, ending)| which(ending)).count();
        let failed = count(|ending| matches!(ending, Ending::Failed(..)));
        println!(
            "         {:<18} {:>6.1} s",
            "all of it",
            start.elapsed().as_secs_f64()
        );
        println!(
            "\nsteps: {} passed, {failed} failed, {} skipped",
            count(|ending| matches!(ending, Ending::Passed(_))),
            count(|ending| matches!(ending, Ending::Skipped(_)))
        );
        match failed {
            _ if stopped => bail!("The tests were stopped; all that they had started was ended."),
            0 => Ok(()),
            _ => bail!("The steps marked FAILED above did not pass."),
        }
    }
}
