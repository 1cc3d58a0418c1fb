//! Numbers as a server sees them: by their digits, from its own answers, from files and from what is written.

use crate::support::{Keeper, Kept, Place, Ran, answered};

const NUMBERS: &str = r#"{"id": 9223372036854775807, "odd": 9007199254740993, "neg": -9007199254740993, "price": 1.10, "e": 1e3,
    "huge": 1e400, "plus": 1E+2, "zero": -0, "long": 12345678901234567890123, "dec": 12345678901234567.25,
    "list": [{"id": 9007199254740993, "e": 1e3, "plus": 1e+3, "text": "\"5e5"}, {"id": 9007199254740992}]}"#;

fn numbers(_: &Kept) -> Vec<u8> {
    answered("Content-Type: application/json\r\n", NUMBERS.as_bytes())
}

/// Once through these steps.
fn once(keeper: &Keeper, files: &[(&str, &str)], data: &str, steps: &str) -> Ran {
    let place = Place::new();
    files.iter().for_each(|(name, text)| drop(place.write(name, text)));
    let address = keeper.address;
    place.run(
        &format!(
            "{data}\nscenario test {{\n  target api = http(\"http://{address}\") {{\n    timeout: 5s\n  }}\n  flow go on api {{\n{steps}\n  }}\n  load main of go {{\n    hold 1/s for 1s\n  }}\n  expect error_rate(main) == 0%\n}}\n"
        ),
        &[],
    )
}

fn body(keeper: &Keeper, line: &str) -> String {
    let lines: Vec<String> = keeper.seen().iter().map(|kept| kept.line().to_owned()).collect();
    let asked = keeper.asked(line);
    String::from_utf8(asked.first().unwrap_or_else(|| panic!("{lines:?}")).body.clone()).unwrap()
}

#[test]
fn a_number_of_an_answer_goes_on_as_it_is_spelled() {
    let keeper = Keeper::start(numbers);
    let taken = ["id", "odd", "neg", "price", "e", "huge", "plus", "zero", "long", "dec"];
    let lets: String = taken.iter().map(|name| format!("    let {name} = found.json(\"$.{name}\")\n")).collect();
    let fields: Vec<String> = taken.iter().map(|name| format!("{name}: {name}")).collect();
    let steps = format!(
        "    get \"/numbers\" as found\n{lets}    post \"/json\" {{\n      json: {{ {} }}\n    }}\n    let list = found.json(\"$.list\")\n    post \"/list\" {{\n      json: list\n    }}\n    post \"/form\" {{\n      form: {{ odd: odd, huge: huge, zero: zero }}\n      query: {{ price: price }}\n      headers: {{ \"X-Long\": \"{{long}}\" }}\n    }}\n    each item in found.json(\"$.list[*]\") at most 3 {{\n      let one = item.json(\"$.id\")\n      get \"/item/{{one}}\"\n    }}\n",
        fields.join(", ")
    );
    let ran = once(&keeper, &[], "", &steps);
    ran.passed();
    assert_eq!(
        body(&keeper, "POST /json"),
        r#"{"id":9223372036854775807,"odd":9007199254740993,"neg":-9007199254740993,"price":1.10,"e":1e3,"huge":1e400,"plus":1E+2,"zero":-0,"long":12345678901234567890123,"dec":12345678901234567.25}"#
    );
    assert_eq!(
        body(&keeper, "POST /list"),
        r#"[{"id":9007199254740993,"e":1e3,"plus":1e+3,"text":"\"5e5"},{"id":9007199254740992}]"#
    );
    let form = &keeper.asked("POST /form?price=1.10")[0];
    assert_eq!(form.body, b"odd=9007199254740993&huge=1e400&zero=-0");
    assert_eq!(form.header("X-Long"), "12345678901234567890123");
    assert_eq!(keeper.asked("GET /item/9007199254740993").len(), 1);
    assert_eq!(keeper.asked("GET /item/9007199254740992").len(), 1);
}

#[test]
fn numbers_are_compared_by_all_their_digits() {
    let holds = [
        "json(\"$.id\") == 9223372036854775807",
        "json(\"$.id\") > 9223372036854775806",
        "json(\"$.id\") < 9223372036854775808",
        "json(\"$.id\") != 9223372036854775806",
        "json(\"$.odd\") == 9007199254740993",
        "json(\"$.odd\") > 9007199254740992",
        "json(\"$.neg\") < -9007199254740992",
        "json(\"$.neg\") == -9007199254740993",
        "json(\"$.price\") == 1.1",
        "json(\"$.e\") == 1000",
        "json(\"$.huge\") > 12345678901234567890123",
        "json(\"$.zero\") == 0",
        "json(\"$.long\") == 12_345_678_901_234_567_890_123",
        "json(\"$.long\") in [12345678901234567890122, 12345678901234567890123]",
        "not json(\"$.long\") in [12345678901234567890122, 12345678901234567890124]",
        "json(\"$.dec\") > 12345678901234567.24",
        "json(\"$.list[0].id\") > json(\"$.list[1].id\")",
        "json(\"$.odd\") + 2 == 9007199254740995",
        "json(\"$.id\") - 1 == 9223372036854775806",
        "json(\"$.price\") * 2 == 2.2",
    ];
    let keeper = Keeper::start(numbers);
    let steps =
        format!("    get \"/numbers\" {{\n      expect {{\n        {}\n      }}\n    }}\n", holds.join("\n        "));
    once(&keeper, &[], "", &steps).passed();
    for fails in [
        "json(\"$.id\") == 9223372036854775806",
        "json(\"$.odd\") <= 9007199254740992",
        "json(\"$.long\") < 12345678901234567890123",
        "json(\"$.list[0].id\") == json(\"$.list[1].id\")",
    ] {
        let ran = once(&keeper, &[], "", &format!("    get \"/numbers\" {{\n      expect {fails}\n    }}\n"));
        assert_eq!(ran.code, 1, "{fails}: {}{}", ran.out, ran.err);
    }
}

#[test]
fn cells_are_sent_as_they_are_written() {
    let keeper = Keeper::start(numbers);
    let csv = "\u{feff}id,zip,price,mixed,u\r\n1452000000000005600,00501,19.90,1e3,18446744073709551615\r\n7,02134,5.00,x,3\r\n";
    let json = r#"[{"big": 1452000000000005601, "cost": 19.90, "as_text": 12345678901234567890123}]"#;
    let data =
        "data people = csv(\"people.csv\")\ndata items = json(\"items.json\") {\n  columns: { as_text: Text }\n}";
    let steps = "    let p = people.next()\n    let i = items.next()\n    post \"/cells?id={p.id}\" {\n      json: { id: p.id, zip: p.zip, price: p.price, mixed: p.mixed, u: p.u, next: p.id + 1, big: i.big, cost: i.cost, text: i.as_text }\n    }\n";
    once(&keeper, &[("people.csv", csv), ("items.json", json)], data, steps).passed();
    assert_eq!(
        body(&keeper, "POST /cells?id=1452000000000005600"),
        r#"{"id":1452000000000005600,"zip":"00501","price":19.90,"mixed":"1e3","u":18446744073709551615,"next":1452000000000005601,"big":1452000000000005601,"cost":19.90,"text":"12345678901234567890123"}"#
    );
}

#[test]
fn a_written_number_is_sent_as_it_is_written() {
    let keeper = Keeper::start(numbers);
    let steps = "    let big = 10000000000000001\n    let next = big + 1\n    let own = 10000000000000000\n    repeat i from 9007199254740993 at most 2 {\n      get \"/turn/{i}\"\n    }\n    post \"/written?big={big}\" {\n      json: { big: big, next: next, own: own, sum: own + 1, double: own * 2, cost: 19.90, minus: -9007199254740993, kilo: 10k, half: 0.5 }\n    }\n";
    once(&keeper, &[], "", steps).passed();
    assert_eq!(
        body(&keeper, "POST /written?big=10000000000000001"),
        r#"{"big":10000000000000001,"next":10000000000000002,"own":10000000000000000,"sum":10000000000000001,"double":20000000000000000,"cost":19.90,"minus":-9007199254740993,"kilo":10000,"half":0.5}"#
    );
    assert_eq!(keeper.asked("GET /turn/9007199254740993").len(), 1);
    assert_eq!(keeper.asked("GET /turn/9007199254740994").len(), 1);
}
