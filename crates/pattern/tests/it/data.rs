//! Observations to match against.

use serde_json::{Map, Value, json};

/// `observed-data` of STIX 2.0 at these seconds of a day, observed so many times.
pub(crate) fn observed(first: &str, last: &str, number: u64, objects: Value) -> Value {
    json!({
        "type": "observed-data", "id": "observed-data--0", "first_observed": first, "last_observed": last,
        "number_observed": number, "objects": objects,
    })
}

/// The same observations as one bundle of STIX 2.1: objects get ids, and references to them follow.
pub(crate) fn to_v21(observations: &Value) -> Value {
    let mut objects = Vec::new();
    for (number, one) in observations.as_array().expect("a list").iter().enumerate() {
        let id = |key: &str| format!("thing--{number}-{key}");
        let mut refs = Vec::new();
        for (key, object) in one["objects"].as_object().expect("objects") {
            let mut object = rename(object, &id);
            object["id"] = json!(id(key));
            refs.push(object["id"].clone());
            objects.push(object);
        }
        let mut observed = one.clone();
        let fields = observed.as_object_mut().expect("an object");
        fields.remove("objects");
        fields.insert("id".into(), json!(format!("observed-data--{number}")));
        fields.insert("object_refs".into(), Value::Array(refs));
        objects.push(observed);
    }
    json!([{"type": "bundle", "id": "bundle--1", "objects": objects}])
}

fn rename(value: &Value, id: &dyn Fn(&str) -> String) -> Value {
    let rename_text = |value: &Value| value.as_str().map_or(value.clone(), |key| json!(id(key)));
    match value {
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .map(|(name, field)| {
                    let field = match field {
                        Value::Array(list) if name.ends_with("_refs") => {
                            list.iter().map(rename_text).collect()
                        }
                        _ if name.ends_with("_ref") => rename_text(field),
                        _ => rename(field, id),
                    };
                    (name.clone(), field)
                })
                .collect(),
        ),
        Value::Array(list) => list.iter().map(|one| rename(one, id)).collect(),
        _ => value.clone(),
    }
}

/// One property of each sort of value there is.
pub(crate) fn values() -> Vec<(&'static str, Value)> {
    vec![
        ("text", json!("alice")),
        ("upper", json!("ALICE")),
        ("empty", json!("")),
        ("composed", json!("caf\u{e9}")),
        ("decomposed", json!("cafe\u{301}")),
        ("wide", json!("\u{103}lice")),
        ("lines", json!("a\nb")),
        ("line", json!("alice\n")),
        ("special", json!("100%_a\\b'c.*[x]")),
        ("digits", json!("5")),
        ("five", json!(5)),
        ("minus", json!(-5)),
        ("zero", json!(0)),
        ("one", json!(1)),
        ("large", json!(9_007_199_254_740_993_u64)),
        ("whole", json!(5.0)),
        ("half", json!(5.5)),
        ("yes", json!(true)),
        ("no", json!(false)),
        ("nothing", Value::Null),
        ("list", json!([1, "alice", null, [5], {"k": "alice"}])),
        ("none", json!([])),
        ("map", json!({"k": "alice", "a-b": 5, "x_hex": "616c696365"})),
        ("time", json!("2020-01-01T00:00:00Z")),
        ("moment", json!("2020-01-01T00:00:00.1234567Z")),
        ("odd_time", json!("2020-1-1T0:0:0Z")),
        ("leap", json!("2016-12-31T23:59:60Z")),
        ("lower_time", json!("2020-01-01t00:00:00z")),
        ("name_bin", json!("YWxpY2U=")),
        ("name_hex", json!("616C696365")),
        ("high_hex", json!("ff00e9")),
        ("bad_hex", json!("616")),
        ("odd_bin", json!("YW xp!Y2U=")),
        ("bad_bin", json!("YWxpY2U")),
        ("int_hex", json!(12)),
        ("ip", json!("10.1.2.3")),
        ("net", json!("10.1.0.0/16")),
        ("short_ip", json!("10.1")),
        ("ip6", json!("2001:db8::1")),
        ("bad_ip", json!("300.1.2.3")),
        ("bad_net", json!("10.0.0.0/0")),
        ("bad_ref", json!(5)),
    ]
}

/// One observation of one object with all of [`values`].
pub(crate) fn everything() -> Value {
    let fields: Map<String, Value> = values()
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    let mut object = Value::Object(fields);
    object["type"] = json!("test");
    json!([observed(
        "2020-01-01T00:00:00Z",
        "2020-01-01T00:00:10Z",
        1,
        json!({"0": object})
    )])
}

/// A mail with its addresses, a file in a folder and a connection: several objects and references between them.
pub(crate) fn related() -> Value {
    let mail = json!({
        "0": {"type": "email-message", "is_multipart": false, "subject": "Hello", "from_ref": "1", "to_refs": ["9", "2", "3"]},
        "1": {"type": "email-addr", "value": "eve@evil.example", "belongs_to_ref": "9"},
        "2": {"type": "email-addr", "value": "ann@own.example"},
        "3": {"type": "email-addr", "value": "bob@own.example", "display_name": "Bob"},
        "4": {"type": "file", "name": "a.doc", "size": 100, "hashes": {"MD5": "aa", "SHA-256": "bb"},
              "parent_directory_ref": "5", "contains_refs": ["7", "8"], "none_refs": ["77"], "odd_refs": "4", "mixed_refs": ["5", 6]},
        "5": {"type": "directory", "path": "/tmp", "contains_refs": ["4"]},
        "6": {"type": "file", "name": "b.doc", "size": 200, "hashes": {"MD5": "cc"}},
        "7": {"type": "file", "name": "c.doc", "size": 300},
        "8": {"type": "x-own", "name": "d", "list": [["x", "y"], ["z"]]},
    });
    let traffic = json!({
        "0": {"type": "ipv4-addr", "value": "10.1.2.3"},
        "1": {"type": "ipv4-addr", "value": "192.0.2.7", "resolves_to_refs": []},
        "2": {"type": "network-traffic", "src_ref": "0", "dst_ref": "1", "dst_port": 443, "protocols": ["ipv4", "tcp"],
              "extensions": {"http-request-ext": {"request_header": {"User-Agent": "curl", "Accept": ["a", "b"]}}}},
        "3": {"type": "incident", "name": "x"},
    });
    json!([
        observed("2020-01-01T00:00:00Z", "2020-01-01T00:00:10Z", 2, mail),
        observed("2020-01-01T00:00:05Z", "2020-01-01T00:00:05Z", 1, traffic),
    ])
}

/// Persons seen at times; by name, first and last second, and how often.
pub(crate) fn persons(seen: &[(&str, u32, u32, u64)]) -> Value {
    let time = |second: u32| format!("2020-01-01T00:{:02}:{:02}Z", second / 60, second % 60);
    seen.iter()
        .enumerate()
        .map(|(at, &(name, first, last, number))| {
            let person = json!({"type": "person", "name": name, "age": at});
            observed(&time(first), &time(last), number, json!({"0": person}))
        })
        .collect()
}
