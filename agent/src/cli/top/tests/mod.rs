//! The screens, held to files; `LAPWING_REGENERATE=1` writes them anew, to be looked at.

mod fixture;

use super::input::{Action, key};
use super::model::{Model, Update};
use super::rows::{Sort, rows};
use super::ui::{Over, Pane, Ui};
use super::view::{self, Drawn, Scene};
use fixture::{NOW, calm, hostile, item, many, passwd, troubled, update, violation, workload};
use jiff::tz::TimeZone;
use lapwing_proto::v1::watch_response::Item;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::style::Color;
use std::path::Path;

fn drawn(model: &Model, ui: &Ui, (width, height): (u16, u16), is_colored: bool) -> (Buffer, Drawn) {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let scene = Scene {
        now: NOW,
        zone: &TimeZone::UTC,
        is_colored,
    };
    let mut drawn = Drawn::default();
    terminal
        .draw(|frame| drawn = view::draw(frame.buffer_mut(), model, ui, scene))
        .unwrap();
    (terminal.backend().buffer().clone(), drawn)
}

fn screen(model: &Model, ui: &Ui, size: (u16, u16)) -> String {
    super::text(&drawn(model, ui, size, true).0).join("\n") + "\n"
}

fn golden(name: &str, model: &Model, ui: &Ui, size: (u16, u16)) {
    let screen = screen(model, ui, size);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli/top/golden");
    let file = folder.join(format!("{name}.txt"));
    if std::env::var_os("LAPWING_REGENERATE").is_some() {
        std::fs::write(&file, &screen).unwrap();
    }
    let wanted = std::fs::read_to_string(&file).unwrap_or_default();
    assert_eq!(screen, wanted, "{name}:\n{screen}");
}

fn lost() -> Model {
    let mut model = calm();
    update(&mut model, 6, Update::Lost("the agent ended".into()));
    model
}

fn over(over: Over) -> Ui {
    Ui {
        over,
        ..Ui::default()
    }
}

#[test]
fn screens_are_as_in_the_files() {
    let ui = Ui::default();
    golden("calm-80x24", &calm(), &ui, (80, 24));
    golden("calm-120x40", &calm(), &ui, (120, 40));
    golden("calm-160x24", &calm(), &ui, (160, 24));
    golden("troubled-80x24", &troubled(), &ui, (80, 24));
    golden("troubled-120x40", &troubled(), &ui, (120, 40));
    golden("tiny-40x10", &troubled(), &ui, (40, 10));
    golden("tiny-20x5", &troubled(), &ui, (20, 5));
    golden("tiny-60x7", &troubled(), &ui, (60, 7));
    golden("lost-80x24", &lost(), &ui, (80, 24));
    let mut never = Model::default();
    update(
        &mut never,
        0,
        Update::Lost("no agent at unix:///x: refused".into()),
    );
    golden("never-80x24", &never, &ui, (80, 24));
    golden("hostile-80x24", &hostile(), &ui, (80, 24));
    golden("hostile-120x40", &hostile(), &ui, (120, 40));
    golden("many-80x24", &many(), &ui, (80, 24));
    let printed = Ui {
        printed: true,
        ..Ui::default()
    };
    let height = view::height(&troubled(), &printed, 20);
    golden("printed-80", &troubled(), &printed, (80, height));
    let documented = include_str!("../../../../../docs/top.md");
    let printed = screen(&troubled(), &printed, (80, height));
    assert!(
        documented.contains(&printed),
        "docs/top.md shows another screen:\n{printed}"
    );
    golden("help-80x30", &calm(), &over(Over::Help), (80, 30));
    let api = crate::judge::name_of(&workload("shop", "api"));
    golden(
        "workload-80x40",
        &troubled(),
        &over(Over::Workload(api)),
        (80, 40),
    );
    let web = crate::judge::name_of(&workload("shop", "web"));
    golden(
        "workload-120x30",
        &troubled(),
        &over(Over::Workload(web)),
        (120, 30),
    );
    golden(
        "violation-80x30",
        &calm(),
        &over(Over::Violation("cafe".into())),
        (80, 30),
    );
    let filter = Ui {
        filter: "mail".into(),
        typing: Some(String::new()),
        focus: Pane::Violations,
        ..Ui::default()
    };
    golden("filter-80x24", &calm(), &filter, (80, 24));
}

#[test]
fn each_size_shows_something_and_nothing_of_it_is_a_control_sequence() {
    let long = "x".repeat(500);
    let own = crate::judge::name_of(&workload(&long, &long));
    let uis = [
        Ui::default(),
        Ui {
            focus: Pane::Violations,
            typing: Some(String::new()),
            filter: "\u{1b}x".into(),
            ..Ui::default()
        },
        over(Over::Help),
        over(Over::Workload(own)),
        over(Over::Violation(long)),
    ];
    for model in [hostile(), lost(), Model::default()] {
        for ui in &uis {
            for width in [0, 1, 2, 5, 14, 20, 33, 60, 110] {
                for height in [0, 1, 3, 4, 7, 8, 14, 40] {
                    let (buffer, _) = drawn(&model, ui, (width, height), true);
                    let cells = buffer.content.iter();
                    let raw = |c: char| c.is_control() || c == '\u{202e}';
                    assert!(!cells.clone().any(|cell| cell.symbol().contains(raw)));
                    let is_empty = cells.clone().all(|cell| cell.symbol() == " ");
                    assert!(!is_empty || width == 0 || height == 0, "{width}x{height}");
                }
            }
        }
    }
}

#[test]
fn colours_are_for_who_wants_them_and_say_how_bad_it_is() {
    let ui = Ui::default();
    let (plain, _) = drawn(&troubled(), &ui, (80, 24), false);
    let colored =
        |cell: &&ratatui::buffer::Cell| cell.fg != Color::Reset || cell.bg != Color::Reset;
    assert_eq!(plain.content.iter().find(colored), None);
    let (buffer, _) = drawn(&calm(), &ui, (80, 24), true);
    let lines = super::text(&buffer);
    for (word, color) in [("CRITICAL", Color::Red), ("learning", Color::Cyan)] {
        let y = lines.iter().position(|line| line.contains(word)).unwrap();
        let x = lines[y].find(word).unwrap();
        let cell = &buffer[(u16::try_from(x).unwrap(), u16::try_from(y).unwrap())];
        assert_eq!(cell.fg, color, "{word}");
    }
}

fn press(ui: &mut Ui, model: &Model, code: KeyCode) -> Action {
    key(ui, model, KeyEvent::new(code, KeyModifiers::NONE), 10)
}

fn type_in(ui: &mut Ui, model: &Model, text: &str) {
    for c in text.chars() {
        assert_eq!(press(ui, model, KeyCode::Char(c)), Action::Nothing);
    }
}

#[test]
fn rows_are_sorted_by_what_is_chosen() {
    let model = troubled();
    let order = |sort| -> Vec<String> {
        let rows = rows(&model, sort, "");
        rows.into_iter().map(|row| row.label).collect()
    };
    let (web, api, mail) = ("shop/web/app", "shop/api/app", "mail/app");
    for (sort, wanted) in [
        (Sort::Name, [mail, api, web]),
        (Sort::Latest, [mail, web, api]),
        (Sort::Mode, [api, mail, web]),
        (Sort::Lost, [web, mail, api]),
    ] {
        assert_eq!(order(sort), wanted, "{sort:?}");
    }
    let row = &rows(&model, Sort::Lost, "WEB")[0];
    assert_eq!((row.lost, row.violations, row.running), (204, 1, 2));
}

#[test]
fn keys_choose_and_the_choice_moves_with_its_row() {
    let mut model = calm();
    let mut ui = Ui::default();
    type_in(&mut ui, &model, "nj");
    let api = crate::judge::name_of(&workload("shop", "api"));
    assert_eq!(
        ui.workload.as_deref(),
        Some(api.as_str()),
        "the second by name"
    );
    type_in(&mut ui, &model, "m");
    assert_eq!(ui.row(&ui.rows(&model)), 0, "and the first by mode");
    press(&mut ui, &model, KeyCode::Enter);
    assert_eq!(ui.over, Over::Workload(api));
    assert_eq!(press(&mut ui, &model, KeyCode::Char('q')), Action::Nothing);
    assert_eq!(ui.over, Over::Nothing);

    press(&mut ui, &model, KeyCode::Tab);
    press(&mut ui, &model, KeyCode::Down);
    update(
        &mut model,
        7,
        item(Item::Violation(violation("new", &workload("", "x"), 0))),
    );
    press(&mut ui, &model, KeyCode::Enter);
    assert_eq!(
        ui.over,
        Over::Violation("cafe".into()),
        "not another for the new one"
    );
    press(&mut ui, &model, KeyCode::Esc);
    press(&mut ui, &model, KeyCode::Home);
    press(&mut ui, &model, KeyCode::Enter);
    assert_eq!(ui.over, Over::Violation("new".into()));
}

#[test]
fn a_filter_is_typed_kept_or_taken_back() {
    let model = calm();
    let mut ui = Ui::default();
    // Keys are letters of it meanwhile.
    type_in(&mut ui, &model, "/qwebx");
    press(&mut ui, &model, KeyCode::Backspace);
    assert_eq!(ui.filter, "qweb");
    press(&mut ui, &model, KeyCode::Esc);
    assert_eq!((ui.filter.as_str(), ui.typing.clone()), ("", None));
    type_in(&mut ui, &model, "/EXEC.");
    press(&mut ui, &model, KeyCode::Enter);
    assert_eq!(ui.reports(&model).len(), 1, "rules are filtered too");
    assert!(ui.rows(&model).is_empty());
    press(&mut ui, &model, KeyCode::Esc);
    assert_eq!(ui.filter, "");
    let interrupt = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    type_in(&mut ui, &model, "/");
    assert_eq!(key(&mut ui, &model, interrupt, 1), Action::Quit);
    press(&mut ui, &model, KeyCode::Esc);
    assert_eq!(press(&mut ui, &model, KeyCode::Char('q')), Action::Quit);
}

#[test]
fn a_halted_screen_stays_and_nothing_is_missed() {
    let mut model = calm();
    let mut ui = Ui::default();
    type_in(&mut ui, &model, "p");
    let before = screen(&model, &ui, (80, 24));
    assert!(before.contains("PAUSED"), "{before}");
    update(
        &mut model,
        7,
        item(Item::Violation(violation("new", &workload("", "x"), 0))),
    );
    assert_eq!(screen(&model, &ui, (80, 24)), before);
    update(&mut model, 7, Update::Lost("it ended".into()));
    let lost = screen(&model, &ui, (80, 24));
    assert!(
        lost.contains("NO AGENT"),
        "the agent's end is told all the same: {lost}"
    );
    type_in(&mut ui, &model, "p");
    assert_eq!(ui.reports(&model).len(), 3);
}

#[test]
fn what_lies_over_the_screen_scrolls_no_further_than_it_goes() {
    let model = troubled();
    let mut ui = over(Over::Help);
    press(&mut ui, &model, KeyCode::End);
    let (_, drawn) = drawn(&model, &ui, (80, 14), true);
    ui.scroll = drawn.scroll;
    assert!((1..40).contains(&ui.scroll), "{}", ui.scroll);
    press(&mut ui, &model, KeyCode::Up);
    assert_eq!(ui.scroll, drawn.scroll - 1);
}

#[test]
fn that_an_agent_is_young_is_no_gap() {
    let time = |seconds| Some(lapwing_proto::Timestamp { seconds, nanos: 5 });
    let status = lapwing_proto::v1::GetStatusResponse {
        start_time: time(100),
        ..Default::default()
    };
    // Until when it is missing, and whether it is shown: reports were dropped, or nobody knows.
    for (to, shown) in [(time(101), 0), (time(160), 1), (None, 1)] {
        let mut model = Model::default();
        for reason in ["log-too-short", "log-lost"] {
            let gap = lapwing_proto::v1::Gap {
                reason: reason.into(),
                scope: "stream".into(),
                to,
                ..Default::default()
            };
            update(&mut model, 0, item(Item::Gap(gap)));
        }
        update(&mut model, 1, Update::Status(Box::new(status.clone())));
        assert_eq!(model.reports.latest().count(), 1 + shown, "{to:?}");
    }
}

#[test]
fn an_update_of_a_violation_is_one_violation() {
    let mut model = calm();
    let mail = workload("", "mail");
    let next = lapwing_proto::v1::Violation {
        revision: 3,
        count: 9,
        ..passwd(&mail)
    };
    update(&mut model, 7, item(Item::Violation(next)));
    let row = &rows(&model, Sort::Violations, "mail")[0];
    assert_eq!(row.violations, 1);
    assert!(screen(&model, &Ui::default(), (80, 24)).contains("x9 write /etc/passwd"));
}
