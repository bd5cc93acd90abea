//! What a request must look like before anything is done with it. evcxr says nothing at all to a request that it cannot read, and the
//! front would wait forever; so the front refuses a request here unless all fields that evcxr reads are there and have the protocol's
//! types.

use super::message::Message;
use serde_json::{Value, json};

/// What a field holds.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Flag,
    Count,
    Object,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Text => "a text",
            Kind::Flag => "true or false",
            Kind::Count => "a number from 0",
            Kind::Object => "an object",
        }
    }

    fn fits(self, value: &Value) -> bool {
        match self {
            Kind::Text => value.is_string(),
            Kind::Flag => value.is_boolean(),
            Kind::Count => value.is_u64(),
            Kind::Object => value.is_object(),
        }
    }
}

/// A field: its name, what it holds, and its value if a request leaves it out. Null means that it must be there.
type Field = (&'static str, Kind, Value);

/// The fields of a request of this type.
fn fields(kind: &str, content: &Value) -> Vec<Field> {
    let code = ("code", Kind::Text, Value::Null);
    match kind {
        "execute_request" => vec![
            code,
            ("silent", Kind::Flag, json!(false)),
            (
                "store_history",
                Kind::Flag,
                json!(content["silent"] != true),
            ),
            ("user_expressions", Kind::Object, json!({})),
            ("allow_stdin", Kind::Flag, json!(true)),
            ("stop_on_error", Kind::Flag, json!(true)),
        ],
        // `complete/` accepts any cursor: a place outside the code counts as its end.
        "complete_request" | "is_complete_request" => vec![code],
        "inspect_request" => vec![code, ("detail_level", Kind::Count, json!(0))],
        "comm_open" => vec![("comm_id", Kind::Text, Value::Null)],
        _ => Vec::new(),
    }
}

/// Fills in what `request` leaves out. An error says what is wrong with it.
pub(super) fn complete(request: &mut Message) -> Result<(), String> {
    for (name, kind, otherwise) in fields(request.kind(), &request.content) {
        let given = &mut request.content[name];
        if given.is_null() {
            *given = otherwise;
        }
        if !kind.fits(given) {
            let what = if given.is_null() {
                "is missing"
            } else {
                "is something else"
            };
            return Err(format!(
                "A message of the type {} must have a field `{name}` that holds {}, and it {what}.",
                request.kind(),
                kind.name(),
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(kind: &str, content: Value) -> Result<Value, String> {
        let mut request = Message::child(kind, None, content);
        complete(&mut request).map(|()| request.content)
    }

    #[test]
    fn what_is_left_out_is_as_the_protocol_says() {
        assert_eq!(
            completed("execute_request", json!({"code": "1"})).unwrap(),
            json!({"code": "1", "silent": false, "store_history": true, "user_expressions": {}, "allow_stdin": true,
                "stop_on_error": true})
        );
        let silent = json!({"code": "1", "silent": true, "user_expressions": null});
        assert_eq!(
            completed("execute_request", silent).unwrap()["store_history"],
            false
        );
        let other = json!({"anything": [1]});
        assert_eq!(completed("history_request", other.clone()).unwrap(), other);
    }

    #[test]
    fn what_is_of_the_wrong_type_is_refused() {
        for (kind, content) in [
            ("execute_request", json!({})),
            ("execute_request", json!({"code": 7})),
            ("execute_request", json!({"code": "1", "silent": "yes"})),
            (
                "execute_request",
                json!({"code": "1", "user_expressions": [1]}),
            ),
            ("complete_request", json!({"cursor_pos": 99999})),
            (
                "inspect_request",
                json!({"code": "v", "detail_level": "all"}),
            ),
            ("is_complete_request", json!({"code": ["v"]})),
            ("comm_open", json!({"comm_id": 1})),
        ] {
            let said = completed(kind, content.clone()).unwrap_err();
            assert!(said.contains(kind), "{content}: {said}");
        }
    }
}
