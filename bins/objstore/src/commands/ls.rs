//! `objstore ls`.

use anyhow::Context as _;
use objstore_core::{ListOptions, ListPage, ObjectMeta, PageToken};
use serde_json::{Value, json};

use crate::exit::Ended;
use crate::output::Output;
use crate::place::Place;
use crate::{args, meta};

/// Pages are printed as they come: a listing of any length needs the memory of one page. One that ends with an error has
/// no `]`, so that a part cannot be taken for the whole.
pub(crate) async fn run(args: args::Ls, output: &Output) -> anyhow::Result<()> {
    let place = Place::open(&args.store, output).await?;
    let options = ListOptions::new().with_delimited(args.direct).with_versions(args.versions);
    let mut printer = Printer { place: &place, output, left: args.limit.unwrap_or(u64::MAX), first: true };
    printer.open()?;
    let mut after: Option<PageToken> = None;
    while printer.left > 0 {
        let mut asked = options.clone();
        asked.after = after.clone();
        let page = place.store.list_page(&place.prefix, asked).await;
        let page = page.with_context(|| format!("cannot list {}", place.store))?;
        printer.page(&page)?;
        match page.next {
            None => break,
            next if next == after => {
                return Err(Ended::not_kept("the store returned the same page again: its listing would never end"));
            }
            next => after = next,
        }
    }
    printer.close()
}

struct Printer<'a> {
    place: &'a Place,
    output: &'a Output,
    left: u64,
    first: bool,
}

impl Printer<'_> {
    fn open(&self) -> anyhow::Result<()> {
        if self.output.is_json() { self.output.text("[") } else { Ok(()) }
    }

    fn close(&self) -> anyhow::Result<()> {
        match (self.output.is_json(), self.first) {
            (true, true) => self.output.text("]\n"),
            (true, false) => self.output.text("\n]\n"),
            (false, _) => Ok(()),
        }
    }

    fn page(&mut self, page: &ListPage) -> anyhow::Result<()> {
        let mut text = String::new();
        for object in &page.objects {
            let url = self.place.url_of(&object.key);
            self.entry(&mut text, &meta::json(object, &url), &line(object));
        }
        for prefix in &page.prefixes {
            let line = format!("{:>14}  {:<20}  {}", "-", "prefix", shown(prefix.as_str()));
            self.entry(&mut text, &json!({ "prefix": prefix.as_str() }), &line);
        }
        for name in &page.invalid {
            let line = format!("{:>14}  {:<20}  {}", "-", "not a key", shown(name));
            self.entry(&mut text, &json!({ "invalid": name }), &line);
        }
        self.output.text(&text)
    }

    fn entry(&mut self, text: &mut String, value: &Value, line: &str) {
        if self.left == 0 {
            return;
        }
        self.left -= 1;
        if self.output.is_json() {
            text.push_str(if self.first { "\n" } else { ",\n" });
            text.push_str(&value.to_string());
        } else {
            text.push_str(line);
            text.push('\n');
        }
        self.first = false;
    }
}

fn line(object: &ObjectMeta) -> String {
    let time = object.last_modified.map_or_else(|| "-".to_owned(), |time| meta::time(seconds(time)));
    let marker = if object.delete_marker { " (delete marker)" } else { "" };
    let version = object.version.as_ref().map(|version| format!("  version {version}")).unwrap_or_default();
    format!("{:>14}  {time:<20}  {}{version}{marker}", object.size, shown(object.key.as_str()))
}

/// Without the part of a second.
fn seconds(time: std::time::SystemTime) -> std::time::SystemTime {
    let since = time.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    std::time::UNIX_EPOCH + std::time::Duration::from_secs(since.as_secs())
}

/// A name on a terminal: what would break the line, or the terminal, is escaped.
fn shown(name: &str) -> String {
    name.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}
