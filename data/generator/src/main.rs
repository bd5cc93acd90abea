//! Writes `data/transactions.csv`: `cargo run --release -p labs-data [-- --seed N --rows N --out FILE]`.

use labs_data::{LIMITS, ROWS, SEED, transactions};
use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "\
Writes the synthetic card transactions of the labs.

  --seed N     another log (default 2027, the committed one)
  --rows N     how many transactions (default 50000)
  --out FILE   where to (default data/transactions.csv of this checkout)";

struct Options {
    seed: u64,
    rows: usize,
    out: PathBuf,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments
        .iter()
        .any(|word| word == "--help" || word == "-h")
    {
        println!("{USAGE}");
        return ExitCode::SUCCESS;
    }
    match options(&arguments).and_then(|options| write(&options)) {
        Ok(done) => {
            eprintln!("{done}");
            ExitCode::SUCCESS
        }
        Err(sentence) => {
            eprintln!("{sentence}");
            ExitCode::FAILURE
        }
    }
}

fn options(arguments: &[String]) -> Result<Options, String> {
    let mut options = Options {
        seed: SEED,
        rows: ROWS,
        out: concat!(env!("CARGO_MANIFEST_DIR"), "/../transactions.csv").into(),
    };
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let value = (words.next()).ok_or(format!("`{word}` needs a value.\n\n{USAGE}"))?;
        let number = || {
            value
                .parse::<u64>()
                .map_err(|_| format!("`{word} {value}`: a whole number is needed."))
        };
        match word.as_str() {
            "--seed" => options.seed = number()?,
            "--rows" => options.rows = number()? as usize,
            "--out" => options.out = value.into(),
            _ => return Err(format!("`{word}` is no option of this program.\n\n{USAGE}")),
        }
    }
    if !LIMITS.contains(&options.rows) {
        let (least, most) = LIMITS.into_inner();
        return Err(format!(
            "`--rows {}`: ask for {least} to {most}.",
            options.rows
        ));
    }
    Ok(options)
}

fn write(options: &Options) -> Result<String, String> {
    let Options { seed, rows, out } = options;
    let text = transactions(*seed, *rows);
    std::fs::write(out, &text)
        .map_err(|error| format!("{} cannot be written: {error}.", out.display()))?;
    let bytes = text.len();
    Ok(format!(
        "{}: {rows} transactions of seed {seed}, {bytes} bytes.",
        out.display()
    ))
}
