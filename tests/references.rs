//! What each name means, as an editor asks for it: from a use to its declaration, and from that to all uses.

use crate::support::Place;
use stressc::base::{FileId, Sources, Span};
use stressc::check::{References, check};
use stressc::inputs::{Asked, load};

const SHOP: &str = "\
/// Where everything goes.
param where: Text = \"/items\"

system shop(port: Count = 1) {
  target front = http(\"http://127.0.0.1:{port}\")
}

flow browse(on: Http, path: Text) on on {
  get \"{path}\" as list
  group checkout {
    get \"/cart\"
  }
}
";

const MAIN: &str = "\
use \"./shop.stress\" as store

param rate: Rate = 5/s
profile small {
  rate = 1/s
}

scenario test {
  system sut = store.shop(port: 8080)
  data people = csv(\"people.csv\") {
    columns: { age: Number }
  }
  flow visit on sut.front {
    let person = people.next()
    get \"/{person.name}/{person.age}\" as page
    get \"{store.where}\"
  }
  flow buy = store.browse(on: sut.front, path: store.where)
  load main of visit {
    hold rate for 10s as plateau
  }
  load second of buy {
    hold rate for 10s
  }
  fault slow = latency(sut.front, by: 100ms) at 2s for 1s
  expect p95(visit.page during plateau) < 1s
  expect p95(checkout) < 1s
  expect error_rate(second outside slow) < 1%
}
";

struct Names {
    sources: Sources,
    references: References,
    _place: Place,
}

impl Names {
    fn new() -> Names {
        let place = Place::new();
        place.write("people.csv", "name,age\nAda,36\n");
        place.write("shop.stress", SHOP);
        let main = place.write("main.stress", MAIN);
        let loaded = load(&main, &Asked::default()).unwrap();
        let (program, told) = check(&loaded.inputs, &loaded.sources);
        let told: Vec<String> = told.sorted().into_iter().map(|told| told.message).collect();
        assert!(told.is_empty(), "{told:?}");
        Names { sources: loaded.sources, references: program.references, _place: place }
    }

    /// The span of a name within a line, as its file and that line are written.
    fn span(&self, file: u32, line: &str, name: &str) -> Span {
        let text = &self.sources.get(FileId(file)).text;
        let start = text.find(line).unwrap_or_else(|| panic!("no `{line}`"));
        let within = line.find(name).unwrap_or_else(|| panic!("no `{name}`"));
        Span::new(FileId(file), start + within, start + within + name.len())
    }

    /// What is declared where the name in a line is, and of what type.
    fn meant(&self, file: u32, line: &str, name: &str) -> (Span, &'static str) {
        let used = self.span(file, line, name);
        // The middle of a name is as good as its start.
        let found = self.references.at(used.file, used.start as usize + name.len() / 2);
        let found = found.unwrap_or_else(|| panic!("nothing is known of `{name}` in `{line}`"));
        assert_eq!(found.used, used, "`{name}` in `{line}`");
        (found.declared, found.kind.name())
    }
}

const HERE: u32 = 0;
const THERE: u32 = 1;

#[test]
fn each_name_leads_to_what_declares_it() {
    let asked = Names::new();
    for (used, declared, kind) in [
        // Values, and parameters of files, also where a profile sets them.
        ((HERE, "hold rate for 10s as", "rate"), (HERE, "param rate", "rate"), "Rate"),
        ((HERE, "  rate = 1/s", "rate"), (HERE, "param rate", "rate"), "Rate"),
        ((HERE, "{person.name}", "person"), (HERE, "let person", "person"), "Row"),
        // Fields of data: of the column where it is declared, else of the data.
        ((HERE, "{person.age}", "age"), (HERE, "{ age:", "age"), "Number"),
        ((HERE, "{person.name}", "name"), (HERE, "data people", "people"), "Text"),
        ((HERE, "people.next()", "people"), (HERE, "data people", "people"), "Data"),
        // Modules and what is in them.
        ((HERE, "= store.shop", "store"), (HERE, "as store", "store"), "Module"),
        ((HERE, "{store.where}", "where"), (THERE, "param where", "where"), "Text"),
        ((HERE, "= store.shop", "shop"), (THERE, "system shop", "shop"), "System"),
        ((HERE, "= store.browse", "browse"), (THERE, "flow browse", "browse"), "Flow"),
        // Instances, targets in them, and what templates are given.
        ((HERE, "flow visit on sut.front", "sut"), (HERE, "system sut", "sut"), "System"),
        ((HERE, "flow visit on sut.front", "front"), (THERE, "target front", "front"), "Http"),
        ((HERE, "(port: 8080)", "port"), (THERE, "shop(port", "port"), "Count"),
        ((THERE, "1:{port}", "port"), (THERE, "shop(port", "port"), "Count"),
        ((THERE, "get \"{path}", "path"), (THERE, "path: Text", "path"), "Text"),
        // Flows, steps, groups, stages, loads and faults.
        ((HERE, "main of visit", "visit"), (HERE, "flow visit", "visit"), "Flow"),
        ((HERE, "visit.page", "page"), (HERE, "as page", "page"), "Step"),
        ((HERE, "p95(checkout)", "checkout"), (THERE, "group checkout", "checkout"), "Step"),
        ((HERE, "during plateau", "plateau"), (HERE, "as plateau", "plateau"), "Stage"),
        ((HERE, "second outside", "second"), (HERE, "load second", "second"), "Load"),
        ((HERE, "outside slow", "slow"), (HERE, "fault slow", "slow"), "Injection"),
    ] {
        let (file, line, name) = declared;
        assert_eq!(asked.meant(used.0, used.1, used.2), (asked.span(file, line, name), kind), "{used:?}");
    }
    assert_eq!(asked.references.at(FileId(HERE), MAIN.find("hold rate").unwrap()), None);
    assert_eq!(asked.references.at(FileId(7), 0), None);
}

#[test]
fn a_declaration_knows_all_its_uses() {
    let asked = Names::new();
    let uses = |file: u32, line: &str, name: &str| {
        // Asked by the declaration itself, which leads to itself.
        let (declared, _) = asked.meant(file, line, name);
        assert_eq!(declared, asked.span(file, line, name), "`{name}` is declared there");
        asked.references.uses_of(declared)
    };
    let spans = |places: &[(u32, &str, &str)]| -> Vec<Span> {
        places.iter().map(|(file, line, name)| asked.span(*file, line, name)).collect()
    };
    let fronts = [
        (HERE, "flow visit on sut.front", "front"),
        (HERE, "(on: sut.front", "front"),
        (HERE, "latency(sut.front", "front"),
    ];
    assert_eq!(uses(THERE, "target front", "front"), spans(&fronts));
    let rates = [(HERE, "  rate = 1/s", "rate"), (HERE, "hold rate for 10s as", "rate")];
    let mut rates = spans(&rates);
    let last = MAIN.rfind("hold rate").unwrap() + "hold ".len();
    rates.push(Span::new(FileId(HERE), last, last + "rate".len()));
    assert_eq!(uses(HERE, "param rate", "rate"), rates);
    assert_eq!(uses(THERE, "group checkout", "checkout"), spans(&[(HERE, "p95(checkout)", "checkout")]));
    let wheres = [(HERE, "{store.where}", "where"), (HERE, "path: store.where", "where")];
    assert_eq!(uses(THERE, "param where", "where"), spans(&wheres));
    assert_eq!(uses(HERE, "as page", "page"), spans(&[(HERE, "visit.page", "page")]));
}

#[test]
fn the_command_prints_them() {
    let place = Place::new();
    place.write("one.stress", "param rate: Rate = 5/s\nparam other: Rate = rate\n");
    let ran = place.call(&["check", "one.stress", "--emit", "references"]);
    let lines: Vec<&str> = ran.out.lines().collect();
    assert!(lines.contains(&"one.stress:2:21 `rate` is a Rate of one.stress:1:7"), "{}", ran.out);
}
