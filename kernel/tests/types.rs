//! The kernel finds out the same types with the reduced sources of the standard library as with the whole ones.

use crate::common::{LONG, block_on, home, start_with};
use jupyter_protocol::MediaType;
use labs::client::Kernel;

/// Expressions of every kind, one in each line.
const EXPRESSIONS: &str = include_str!("types.txt");

/// How many expressions one round asks about.
const AT_ONCE: usize = 8;

/// The type of `expression`, as Shift+Tab tells it.
async fn type_of(kernel: &mut Kernel, expression: &str) -> String {
    let code = format!("let found = {expression}; found");
    let cursor = code.chars().count();
    let reply = kernel.inspect(&code, cursor, LONG).await.unwrap();
    let text = reply.data.content.iter().find_map(|part| match part {
        MediaType::Plain(text) => text.strip_prefix("let found: "),
        _ => None,
    });
    text.unwrap_or("(nothing)").to_string()
}

#[test]
fn reduced_sources_have_the_types_of_the_whole_ones() {
    let expressions: Vec<&str> = EXPRESSIONS
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with("# "))
        .collect();
    assert!(expressions.len() > 350);
    block_on(async {
        let (_folder, place) = home();
        let mut reduced = start_with(&place, |_| {}).await;
        let mut whole = start_with(&place, |command| {
            command.env("LABS_SOURCES_WITH_BODIES", "1");
        })
        .await;
        let (mut unknown, mut differ) = (0, Vec::new());
        for some in expressions.chunks(AT_ONCE) {
            let all = format!("({},)", some.join(", "));
            let types = (
                type_of(&mut reduced, &all).await,
                type_of(&mut whole, &all).await,
            );
            if types.0 == types.1 && types.0.starts_with('(') {
                unknown += types.0.matches("{unknown}").count();
                continue;
            }
            for expression in some {
                let (of_reduced, of_whole) = (
                    type_of(&mut reduced, expression).await,
                    type_of(&mut whole, expression).await,
                );
                unknown += of_whole.matches("{unknown}").count();
                if of_reduced != of_whole {
                    differ.push(format!(
                        "{expression}: {of_reduced}, and with whole sources {of_whole}"
                    ));
                }
            }
        }
        assert!(differ.is_empty(), "{}", differ.join("\n"));
        // A type that rust-analyzer finds with neither kind of sources proves nothing.
        assert!(unknown < expressions.len() / 50, "{unknown} are unknown");
        reduced.shutdown(false).await.unwrap();
        whole.shutdown(false).await.unwrap();
    });
}
