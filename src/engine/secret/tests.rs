//! A mask against random secrets in random codes.

use super::*;
use crate::base::hex;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

fn mask(secret: &str) -> Mask {
    Mask::new([&secret.to_owned()])
}

fn told(secret: &str, text: &str) -> String {
    mask(secret).text(text.to_owned())
}

#[test]
fn no_form_of_a_secret_is_left() {
    let forms = [
        "p\"a ss/é",
        "cCJhIHNzL8Op",
        "p\\\"a ss/é",
        "p%22a%20ss%2F%C3%A9",
        "p%22a+ss%2F%C3%A9",
        "P\"A SS/É",
        "p&quot;a ss/&eacute;",
        "p&#34;a&#32;ss&#x2F;&#0233;",
        "p&#x00000000000000022;a&Tab;ss/é".replace("&Tab;", " ").leak(),
        "p\\u0022a ss\\/\\u00e9",
        "\\x70\\x22a ss/\\xe9",
        "p\\42a ss/\\303\\251".replace("\\42", "\\042").leak(),
        "p%u0022a%20ss/%u00E9",
        "p%22a ss%2fé",
        "702261207373 2fc3a9".replace(' ', "").leak(),
        "702261207373 2FC3A9".replace(' ', "").leak(),
        "%2570%2522a%20ss/é",
        "p&amp;quot;a ss&amp;#x2f;é",
        "p\\\\\\\"a ss/\\\\u00E9",
        "70 22 61 20 73 73 2f c3 a9",
        "70 22 61 20 73\n 73 2f c3 a9",
        "70:22:61:20:73:73:2F:C3:A9",
        "70-22-61-20-73-73-2f-c3-a9",
        "70, 22, 61, 20, 73, 73, 2f, c3, a9",
        "7022 6120 7373 2fc3 a9",
        "70 2261 2073 732f c3a9",
        "112, 34, 97, 32, 115, 115, 47, 195, 169",
        "=70=22=61=20=73=73=2F=C3=A9",
        "p=22a s=\r\ns/=C3=A9",
        "p\0\"\0a\0 \0s\0s\0/\0é",
        "p\\u0000\"\\u0000a\\u0000 \\u0000s\\u0000s\\u0000/\\u0000é",
        "p\u{200b}\"\u{ad}a \u{feff}s\ts/\u{2060}é",
        "p&ZeroWidthSpace;\"a&shy; ss/é",
        "\\160\\42\\141\\40ss/é",
        "\\70 \\22 a\\000020s\\73/é",
        "OARGCIDTOMX4HKI=",
        "oargcidtomx4hki",
    ];
    for form in forms {
        assert_eq!(told("p\"a ss/é", &format!("before {form} after")), "before *** after", "{form}");
    }
    assert_eq!(told("hunter2", "{0x68, 0x75, 0x6e, 0x74, 0x65, 0x72, 0x32}"), "{0x***}");
    assert_eq!(told("hunter2", "68 75 6e…"), "***…");
}

/// Whether nothing of a text in codes is left but what was in front of the secret in them, and a padding.
fn is_hidden(secret: &str, text: &str) -> bool {
    let left = told(secret, &format!("[[{text}]]"));
    left.contains("***") && left.len() < "[[***]]".len() + 16
}

#[test]
fn a_secret_that_was_changed_before_it_was_coded_is_hidden() {
    let secret = "p\"a'ss <w&rd>\n\u{e9}7/%";
    let (json, html) = (serde_json::to_string(secret).unwrap(), "p&quot;a&#x27;ss &lt;w&amp;rd&gt;\né7/%");
    let (ascii, url) = (json.replace('é', "\\u00e9"), "p%22a%27ss%20%3Cw%26rd%3E%0A%C3%A97%2F%25");
    let small: Vec<u8> = secret.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = secret.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let latin: Vec<u8> = secret.chars().map(|c| c as u8).collect();
    let all = [json.as_bytes(), html.as_bytes(), ascii.as_bytes(), url.as_bytes(), &small, &big, &latin];
    for bytes in all {
        for before in ["", "=", "v="] {
            let bytes = [before.as_bytes(), bytes].concat();
            for text in [STANDARD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes), hex(&bytes)] {
                assert!(is_hidden(secret, &text), "{before}{}: {text}", String::from_utf8_lossy(&bytes));
            }
        }
    }
    assert!(is_hidden(secret, &String::from_utf8_lossy(&latin)));
    assert!(is_hidden(secret, &secret.replace('"', "\"\"")) && is_hidden(secret, &secret.replace('\'', "''")));
}

#[test]
fn whatever_stands_between_the_bytes_of_a_code_it_is_hidden() {
    let secret = "Tr0ub4dor&3x";
    let bytes = secret.as_bytes();
    let pairs = |group: usize| bytes.chunks(group).map(hex).collect::<Vec<_>>();
    let numbers = |of: &dyn Fn(&u8) -> String| bytes.iter().map(of).collect::<Vec<_>>();
    for between in [" ", "", ":", "-", ";", "_", ".", "|", ", ", "  ", "\n", ",\n    ", " 0x", ",\r\n\t0x", "><"] {
        for group in [1, 2, 4] {
            assert!(is_hidden(secret, &pairs(group).join(between)), "{group} {between:?}");
        }
        if !between.contains("0x") && !between.is_empty() {
            assert!(is_hidden(secret, &numbers(&u8::to_string).join(between)), "{between:?}");
            assert!(is_hidden(secret, &numbers(&|byte| format!("{byte:03o}")).join(between)), "{between:?}");
        }
    }
    let coded = STANDARD.encode(secret);
    let wrapped = |text: &str, between: &str| {
        let letters: Vec<char> = text.chars().collect();
        letters.chunks(4).map(|four| four.iter().collect::<String>()).collect::<Vec<_>>().join(between)
    };
    for between in [" ", "\n", "\n   ", "  \n  ", "-"] {
        assert!(is_hidden(secret, &wrapped(&coded, between)), "{between:?}");
    }
    for between in ["\n", "\n    ", "\r\n\t", "\\n  "] {
        assert!(is_hidden(secret, &wrapped(secret, between)), "{between:?}");
    }
    for unseen in
        ["\u{fe0f}", "\u{34f}", "\u{180e}", "\u{e0001}", "\u{2028}", "\u{85}", "\u{3164}", "\u{1}", "\u{8}", "\u{7f}"]
    {
        assert!(is_hidden(secret, &secret.chars().map(|c| format!("{c}{unseen}")).collect::<String>()), "{unseen:?}");
    }
    // What is read as a text has its blanks and its punctuation.
    assert_eq!(told("hunter2", "h.u.n.t.e.r.2 hunter-2"), "h.u.n.t.e.r.2 hunter-2");
}

/// A way over what is not looked at has an end, so that a text of it does not cost its square.
#[test]
fn a_text_of_nothing_but_what_is_not_looked_at_comes_to_an_end() {
    for (secret, text) in [("\t!hunter2", "\t"), ("\u{0}hunter2", "\u{0}"), (">>>???hunter2", "-"), ("hunter2", "6-")] {
        let text = text.repeat(20_000);
        assert_eq!(told(secret, &text), text);
    }
}

#[test]
fn no_part_of_a_secret_is_left_where_a_text_was_cut() {
    for (text, left) in [
        ("is hunt…", "is ***…"),
        ("is hunt", "is hunt"),
        ("is it…", "is it…"),
        ("is aHVudGVy…", "is ***…"),
        ("a hun… b h…", "a ***… b ***…"),
        ("is hun\\u00…", "is ***\\u00…"),
        ("is %68%75%6…", "is ***…"),
    ] {
        assert_eq!(told("hunter2", text), left);
    }
    let text = "x".repeat(10) + "hunter2" + " and more";
    for place in 0..text.len() {
        let left = mask("hunter2").behind(text.clone(), place);
        let shown = match place {
            0..=10 => format!("{}*** and more", &text[place..10]),
            11..=16 => "*** and more".to_owned(),
            place => text[place..].to_owned(),
        };
        assert_eq!(left, shown, "{place}");
    }
}

#[test]
fn a_secret_within_base64_is_hidden() {
    for user in ["", "a", "an", "ann", "anna"] {
        for code in [base64::engine::general_purpose::STANDARD, base64::engine::general_purpose::URL_SAFE] {
            let coded = code.encode(format!("{user}:open sesame?>"));
            for text in [format!("Basic {coded}"), format!("Basic {}", code.encode(&coded))] {
                let told = told("open sesame?>", &text);
                assert!(told.contains("***") && told.len() < "Basic ".len() + 4 * (user.len() + 2) + 12, "{told}");
            }
        }
    }
}

#[test]
fn each_line_of_a_secret_is_one_however_it_is_wrapped() {
    let line = |n: u32| (0..64).map(|at| char::from(b'A' + ((at * n + n) % 26) as u8)).collect::<String>();
    let key = format!("-----BEGIN KEY-----\n{}\n-----END KEY-----\n", (1..20).map(line).collect::<Vec<_>>().join("\n"));
    let mask = mask(&key);
    assert_eq!(mask.text(format!("it is {key}.")), "it is ***.");
    assert_eq!(mask.text(format!("> {}\r\n> {}\r\n", line(3), line(4))), "> ***\r\n> ***\r\n");
    // As the program `base64` prints it.
    let coded = STANDARD.encode(&key);
    let wrapped =
        coded.as_bytes().chunks(76).map(|line| std::str::from_utf8(line).unwrap()).collect::<Vec<_>>().join("\n");
    assert_eq!(mask.text(format!("{wrapped}\n")), "***\n");
    assert_eq!(mask.text(serde_json::to_string(&key).unwrap()), "\"***\"");
}

#[test]
fn what_is_learned_is_hidden_as_a_secret_is() {
    let mask = mask("hunter2");
    let computed = STANDARD.encode(STANDARD.encode("hunter2"));
    mask.learn(["2retnuh".to_owned(), computed.clone(), String::new()]);
    mask.learn(["hunter2".to_owned(), "2retnuh".to_owned()]);
    assert_eq!(mask.0.read().unwrap().secrets.len(), 3);
    assert_eq!(mask.text(format!("hunter2 and 2retnuh, {}", STANDARD.encode(computed))), "*** and ***, ***");
    assert_eq!(format!("{mask:?}"), "Mask");
}

/// How long this may go on, and where it begins: `FUZZ_SECONDS`, `SEED`.
fn each_seed(mut one: impl FnMut(&mut ChaCha8Rng, u64)) {
    let read = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let (until, first) = (read("FUZZ_SECONDS").map(std::time::Duration::from_secs), read("SEED").unwrap_or(1));
    let began = std::time::Instant::now();
    for seed in first.. {
        if until.map_or(seed >= first + 40, |until| began.elapsed() > until) {
            return;
        }
        one(&mut ChaCha8Rng::seed_from_u64(seed), seed);
    }
}

fn below(random: &mut ChaCha8Rng, most: u64) -> usize {
    (random.next_u64() % most) as usize
}

fn drawn(random: &mut ChaCha8Rng, letters: &[char], length: usize) -> String {
    (0..length).map(|_| letters[below(random, letters.len() as u64)]).collect()
}

/// A letter in one of the codes.
fn letter(random: &mut ChaCha8Rng, c: char) -> String {
    let bytes = c.encode_utf8(&mut [0; 4]).as_bytes().to_vec();
    let all = |one: &dyn Fn(&u8) -> String| bytes.iter().map(one).collect::<String>();
    let code = u32::from(c);
    match below(random, 16) {
        0 => all(&|byte| format!("%{byte:02x}")),
        1 => all(&|byte| format!("%{byte:02X}")),
        2 => format!("&#{code};"),
        3 => format!("&#x{code:05X};"),
        4 => c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect(),
        5 => format!("\\u{{{code:X}}}"),
        6 => all(&|byte| format!("\\x{byte:02x}")),
        7 => all(&|byte| format!("\\{byte:03o}")),
        8 if c.is_ascii_punctuation() => format!("\\{c}"),
        9 => match c {
            '&' => "&amp;".to_owned(),
            '<' => "&lt;".to_owned(),
            '"' => "&quot;".to_owned(),
            'ü' => "&uuml;".to_owned(),
            '/' => "&sol;".to_owned(),
            c => c.to_string(),
        },
        10 => c.to_ascii_uppercase().to_string(),
        11 => all(&|byte| format!("={byte:02X}")),
        12 if c.is_ascii() => format!("\\{code:x} "),
        _ => c.to_string(),
    }
}

#[test]
fn of_a_secret_in_any_mixture_of_codes_nothing_is_left() {
    let letters: Vec<char> = "abcdefghiXYZ0123456789+/=-_.%&\\\"'<>;# üß日😀".chars().collect();
    each_seed(|random, seed| {
        let length = 4 + below(random, 60);
        let secret = drawn(random, &letters, length);
        let mask = mask(&secret);
        for _ in 0..4 {
            let whole = match below(random, 5) {
                0 => secret.clone(),
                1 => hex(secret.as_bytes()),
                2 => STANDARD.encode(&secret),
                3 => URL_SAFE_NO_PAD.encode(STANDARD.encode(&secret)),
                _ => STANDARD.encode(hex(secret.as_bytes())),
            };
            let once: String = whole.chars().map(|c| letter(random, c)).collect();
            // Whoever reads it once knows what is an escape.
            let mut clear = |c: char| match letter(random, c) {
                own if own.len() == 1 && "\\%&".contains(c) => format!("\\u{:04X}", u32::from(c)),
                own => own,
            };
            let clear: String = whole.chars().map(&mut clear).collect();
            let twice = match below(random, 3) {
                0 => serde_json::Value::from(clear.as_str()).to_string().trim_matches('"').to_owned(),
                1 => clear.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&#34;"),
                _ => clear.bytes().map(|byte| format!("%{byte:02x}")).collect(),
            };
            for echo in [once, twice] {
                let text = format!("[[{echo}]]");
                assert_eq!(mask.text(text.clone()), "[[***]]", "seed {seed}: {secret:?} in {text}");
            }
        }
    });
}

#[test]
fn a_text_without_the_secret_stays_as_it_is() {
    let (own, others): (Vec<char>, Vec<char>) =
        ("abcdefghijklm0123".chars().collect(), "nopqrstuvwxyz456789%&#;\\u/x+= \n…ü".chars().collect());
    each_seed(|random, seed| {
        let (length, long) = (4 + below(random, 100), below(random, 2000));
        let (secret, text) = (drawn(random, &own, length), drawn(random, &others, long));
        assert_eq!(told(&secret, &text), text, "seed {seed}: {secret:?}");
    });
}

/// Ways through a text meet again; each is gone once.
#[test]
fn a_text_of_nothing_but_escapes_of_escapes_comes_to_an_end() {
    for (secret, text) in [("\\", "\\"), ("%25", "%25"), ("&amp;", "&amp;"), ("a", "a")] {
        let (secret, text) = (format!("{}!", secret.repeat(60 / secret.len())), text.repeat(100));
        assert_eq!(told(&secret, &text), text);
    }
}
