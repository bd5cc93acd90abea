//! Commands that wait at the server, and for how long.

use std::time::Duration;

/// How long a command may wait at the server before it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// It answers at once.
    No,
    /// Up to this long.
    For(Duration),
    /// Until something comes.
    Forever,
}

/// How long `command` may wait.
pub(crate) fn wait_of(command: &[impl AsRef<[u8]>]) -> Wait {
    let Some(name) = command.first() else {
        return Wait::No;
    };
    let name = name.as_ref().to_ascii_uppercase();
    let last = command.last();
    match &name[..] {
        b"BLPOP" | b"BRPOP" | b"BRPOPLPUSH" | b"BLMOVE" | b"BZPOPMIN" | b"BZPOPMAX" => {
            seconds(last, 1.0)
        }
        b"BLMPOP" | b"BZMPOP" => seconds(command.get(1), 1.0),
        b"WAIT" | b"WAITAOF" => seconds(last, 1e-3),
        b"XREAD" | b"XREADGROUP" => {
            let block = command
                .iter()
                .take_while(|word| !word.as_ref().eq_ignore_ascii_case(b"STREAMS"))
                .position(|word| word.as_ref().eq_ignore_ascii_case(b"BLOCK"));
            match block {
                Some(block) => seconds(command.get(block + 1), 1e-3),
                None => Wait::No,
            }
        }
        _ => Wait::No,
    }
}

/// The wait that `argument` gives in units of so many seconds. Of a wrong argument the server complains at once.
fn seconds(argument: Option<&impl AsRef<[u8]>>, unit: f64) -> Wait {
    let number = argument
        .and_then(|argument| std::str::from_utf8(argument.as_ref()).ok())
        .and_then(|text| text.trim().parse::<f64>().ok());
    match number {
        Some(0.0) => Wait::Forever,
        Some(number) => Duration::try_from_secs_f64(number * unit).map_or(Wait::No, Wait::For),
        None => Wait::No,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_says_how_long_it_waits() {
        let seconds = |seconds| Wait::For(Duration::from_secs_f64(seconds));
        for (command, wait) in [
            ("GET a", Wait::No),
            ("BRPOP stop tasks 2", seconds(2.0)),
            ("blpop tasks 0.5", seconds(0.5)),
            ("BRPOP tasks 0", Wait::Forever),
            ("BRPOP tasks 0.0", Wait::Forever),
            ("BRPOP tasks soon", Wait::No),
            ("BRPOP tasks -1", Wait::No),
            ("BLMOVE a b RIGHT LEFT 3", seconds(3.0)),
            ("BLMPOP 4 1 a LEFT", seconds(4.0)),
            ("WAIT 1 250", seconds(0.25)),
            ("XREAD STREAMS BLOCK 0", Wait::No),
            ("XREAD COUNT 1 BLOCK 1500 STREAMS a $", seconds(1.5)),
            ("XREADGROUP GROUP g me BLOCK 0 STREAMS a >", Wait::Forever),
        ] {
            let words: Vec<&str> = command.split(' ').collect();
            assert_eq!(wait_of(&words), wait, "{command}");
        }
        assert_eq!(wait_of(&[""; 0]), Wait::No);
    }
}
