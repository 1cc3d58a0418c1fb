//! Functions against the values that their standards print.

use super::*;
use std::rc::Rc;

fn told(name: &str, arguments: &[Value]) -> Option<String> {
    match call(ValueFunction::of(name)?, arguments, &mut || unreachable!("no randomness"))? {
        Value::Text(text) => Some(text.to_string()),
        other => Some(format!("{other:?}")),
    }
}

fn of(name: &str, arguments: &[&str]) -> String {
    let arguments: Vec<Value> = arguments.iter().map(|argument| text((*argument).to_owned())).collect();
    told(name, &arguments).unwrap()
}

#[test]
fn base64_is_that_of_rfc_4648() {
    let pairs = [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE=")];
    pairs.iter().for_each(|(bytes, coded)| assert_eq!(of("base64", &[bytes]), *coded));
    assert_eq!(of("base64", &["foobar"]), "Zm9vYmFy");
    assert_eq!(of("base64", &["ü?>"]), "w7w/Pg==");
}

#[test]
fn hashes_are_those_of_fips_180_4() {
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let two_blocks = "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1";
    assert_eq!(of("sha256", &[""]), empty);
    assert_eq!(of("sha256", &["abc"]), abc);
    assert_eq!(of("sha256", &["abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"]), two_blocks);
    assert_eq!(of("hex", &["ab\u{7f}é"]), "61627fc3a9");
}

/// Test cases 1, 2, 3, 6 and 7 of RFC 4231; a text of the language is UTF-8, so the third is asked of the bytes.
#[test]
fn signatures_are_those_of_rfc_4231() {
    let one = "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7";
    assert_eq!(of("hmac_sha256", &["\u{b}".repeat(20).as_str(), "Hi There"]), one);
    let two = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    assert_eq!(of("hmac_sha256", &["Jefe", "what do ya want for nothing?"]), two);
    let three = "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe";
    assert_eq!(hmac_sha256(&[0xaa; 20], &[0xdd; 50]).unwrap(), three);
    let six = "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54";
    assert_eq!(hmac_sha256(&[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First").unwrap(), six);
    let seven = "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2";
    let long = "This is a test using a larger than block-size key and a larger than block-size data. The key needs to \
                be hashed before being used by the HMAC algorithm.";
    assert_eq!(hmac_sha256(&[0xaa; 131], long.as_bytes()).unwrap(), seven);
}

#[test]
fn texts_are_encoded_and_changed() {
    assert_eq!(of("url_encode", &["a b/ü~-._%"]), "a%20b%2F%C3%BC~-._%25");
    assert_eq!(of("lower", &["ÄB"]), "äb");
    assert_eq!(of("upper", &["straße"]), "STRASSE");
    assert_eq!(of("replace", &["a-b-c", "-", "__"]), "a__b__c");
    assert_eq!(of("replace", &["abc", "", "x"]), "abc");
}

#[test]
fn times_are_written_in_utc() {
    let at = |seconds: f64, format: &str| told("format_time", &[Value::Number(seconds), text(format.to_owned())]);
    let is =
        |seconds: f64, format: &str, shown: &str| assert_eq!(at(seconds, format).as_deref(), Some(shown), "{format}");
    is(0.0, "%Y-%m-%dT%H:%M:%SZ", "1970-01-01T00:00:00Z");
    is(1_735_689_600.123, "%FT%T%.3fZ", "2025-01-01T00:00:00.123Z");
    is(1_735_689_599.999_999_9, "%s %.3f", "1735689600 .000");
    is(-0.5, "%F %T%.f", "1969-12-31 23:59:59.5");
    is(
        951_782_400.0,
        "%d %b %Y, %A, day %j, week %V, %z %:z %Z",
        "29 Feb 2000, Tuesday, day 060, week 09, +0000 +00:00 UTC",
    );
    is(951_782_400.0, "%c|%x|%X", "Tue Feb 29 00:00:00 2000|02/29/00|00:00:00");
    is(951_782_400.0, "%-d.%-m. 100%%", "29.2. 100%");
    is(951_782_400.0, "", "");
    for (seconds, format) in
        [(0.0, "%J"), (0.0, "%"), (1e12, "%Y"), (1e300, "%Y"), (f64::NAN, "%Y"), (f64::INFINITY, "%Y")]
    {
        assert_eq!(at(seconds, format), None, "{seconds} {format}");
    }
    let Some(Value::Number(now)) = call(ValueFunction::Now, &[], &mut || 0) else { panic!("a clock") };
    assert!(now > 1.7e9);
}

#[test]
fn numbers_are_compared_and_null_is_not_there() {
    let both = |name: &str| told(name, &[Value::Number(2.0), Value::Number(-3.0)]);
    assert_eq!((both("min").unwrap(), both("max").unwrap()), ("Number(-3.0)".to_owned(), "Number(2.0)".to_owned()));
    let there = |value: Value| told("exists", &[value]).unwrap() == "Bool(true)";
    assert!(!there(Value::Null) && !there(Value::Json(Rc::new(serde_json::Value::Null))));
    assert!(there(Value::Bool(false)) && there(text(String::new())) && there(Value::Number(0.0)));
}

#[test]
fn random_texts_follow_their_bits() {
    // Six bits each, from the lowest: 0, 1, …; 62 and 63 are no letter.
    let mut words = [0x0000_1040_u64 | 62 << 12 | 61 << 18, u64::MAX, 25 | 26 << 6].into_iter();
    let mut random = || words.next().unwrap();
    let Some(Value::Text(made)) = call(ValueFunction::RandomText, &[Value::Number(11.0)], &mut random) else {
        panic!("a text")
    };
    assert_eq!(&*made, "AB9AAAAAAZa");
    let mut counts = [0u32; 128];
    let mut state = 1u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) << 32 | state >> 32
    };
    random_text(62_000, &mut random).bytes().for_each(|byte| counts[usize::from(byte)] += 1);
    assert!(LETTERS_AND_DIGITS.iter().all(|byte| (800..1200).contains(&counts[usize::from(*byte)])));
}

#[test]
fn lengths_are_exact_and_bounded() {
    let length = |size: f64| told("bytes", &[Value::Number(size)]).map(|text| text.len());
    assert_eq!([0.0, 1.0, 65_536.0].map(length), [Some(0), Some(1), Some(65_536)]);
    assert_eq!([-1.0, 1.5, 1e12, f64::NAN].map(length), [None; 4]);
    assert_eq!(random_text(0, &mut || 0), "");
}

#[test]
fn what_is_of_another_type_or_number_is_not_computed() {
    assert_eq!(told("base64", &[Value::Number(1.0)]), None);
    assert_eq!(told("min", &[Value::Number(1.0), Value::Null]), None);
    assert_eq!(told("hex", &[]), None);
    assert_eq!(told("uuid", &[]), None);
}
