//! Which key a command is about: on a cluster it decides which node has to be asked.

/// The first key of `command`; `None` if it has none, or if nothing is known of it.
pub(crate) fn first_key(command: &[impl AsRef<[u8]>]) -> Option<&[u8]> {
    let word = |at: usize| command.get(at).map(AsRef::as_ref);
    let name = word(0)?.to_ascii_uppercase();
    match &name[..] {
        b"ACL" | b"ASKING" | b"AUTH" | b"BGREWRITEAOF" | b"BGSAVE" | b"CLIENT" | b"CLUSTER"
        | b"COMMAND" | b"CONFIG" | b"DBSIZE" | b"DEBUG" | b"DISCARD" | b"ECHO" | b"EXEC"
        | b"FAILOVER" | b"FLUSHALL" | b"FLUSHDB" | b"FUNCTION" | b"HELLO" | b"INFO" | b"KEYS"
        | b"LASTSAVE" | b"LATENCY" | b"LOLWUT" | b"MODULE" | b"MULTI" | b"PING" | b"PUBLISH"
        | b"PUBSUB" | b"QUIT" | b"RANDOMKEY" | b"READONLY" | b"READWRITE" | b"REPLICAOF"
        | b"RESET" | b"ROLE" | b"SAVE" | b"SCAN" | b"SCRIPT" | b"SELECT" | b"SHUTDOWN"
        | b"SLOWLOG" | b"SWAPDB" | b"TIME" | b"UNWATCH" | b"WAIT" | b"WAITAOF" => None,
        // The number of keys stands before them, and may be 0.
        b"EVAL" | b"EVALSHA" | b"EVAL_RO" | b"EVALSHA_RO" | b"FCALL" | b"FCALL_RO" => {
            match word(2) {
                Some(b"0") => None,
                _ => word(3),
            }
        }
        b"BLMPOP" | b"BZMPOP" | b"MIGRATE" => word(3),
        b"BITOP" | b"LMPOP" | b"OBJECT" | b"SINTERCARD" | b"XGROUP" | b"XINFO" | b"ZDIFF"
        | b"ZINTER" | b"ZINTERCARD" | b"ZMPOP" | b"ZUNION" => word(2),
        b"MEMORY" if word(1)?.eq_ignore_ascii_case(b"USAGE") => word(2),
        b"MEMORY" => None,
        b"XREAD" | b"XREADGROUP" => {
            let is_streams = |word: &[u8]| word.eq_ignore_ascii_case(b"STREAMS");
            word(command.iter().position(|word| is_streams(word.as_ref()))? + 1)
        }
        _ => word(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_key_is_found() {
        for (command, key) in [
            ("GET a", Some("a")),
            ("brpop stop tasks 2", Some("stop")),
            ("BLMOVE a b RIGHT LEFT 3", Some("a")),
            ("BLMPOP 4 1 a LEFT", Some("a")),
            ("LMPOP 1 a LEFT", Some("a")),
            ("EVAL script 2 a b c", Some("a")),
            ("EVAL script 0 c", None),
            ("XREAD COUNT 1 BLOCK 1500 STREAMS a $", Some("a")),
            ("XREADGROUP GROUP g me STREAMS a >", Some("a")),
            ("XGROUP CREATE a g 0", Some("a")),
            ("MEMORY USAGE a", Some("a")),
            ("MEMORY STATS", None),
            ("CONFIG GET a", None),
            ("PING a", None),
            ("WAIT 1 0", None),
            ("PING", None),
            ("GET", None),
            ("XREAD a", None),
            ("MEMORY", None),
        ] {
            let words: Vec<&str> = command.split(' ').collect();
            assert_eq!(first_key(&words), key.map(str::as_bytes), "{command}");
        }
    }
}
