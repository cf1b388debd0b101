//! The objects of a cluster, in a file that outlives whoever serves them.
//!
//! Each change is a line, written before it is answered, as a store for such a service has it: who is killed
//! in between has a line that does not end, which was answered to nobody and is cut off.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;

/// One change.
#[derive(Clone)]
pub struct Step {
    /// Its place in history.
    pub version: u64,
    /// Path of the object.
    pub path: String,
    /// `ADDED`, `MODIFIED` or `DELETED`.
    pub kind: &'static str,
    /// As it is then; what was deleted as it was last.
    pub object: Value,
}

/// All objects, by their paths, and how they came to be.
pub struct Store {
    file: File,
    objects: BTreeMap<String, Value>,
    steps: Vec<Step>,
}

impl Store {
    /// Reads what there is.
    pub fn open(path: &Path) -> Result<Self> {
        let mut options = File::options();
        let mut file = options.create(true).read(true).append(true).open(path)?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        file.set_len(whole as u64)?;
        file.seek(std::io::SeekFrom::End(0))?;
        let mut store = Self {
            file,
            objects: BTreeMap::new(),
            steps: Vec::new(),
        };
        for line in text[..whole].lines() {
            let line: Value = serde_json::from_str(line).context("a line of the store")?;
            let path = line["path"].as_str().context("a line without a path")?;
            store.note(path, line["object"].clone());
        }
        Ok(store)
    }

    /// The place in history.
    pub fn version(&self) -> u64 {
        self.steps.len() as u64
    }

    /// An object.
    pub fn get(&self, path: &str) -> Option<&Value> {
        self.objects.get(path)
    }

    /// All objects with their paths.
    pub fn all(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.objects.iter()
    }

    /// What came after a place in history.
    pub fn since(&self, version: u64) -> &[Step] {
        let from = usize::try_from(version).unwrap_or(usize::MAX);
        self.steps.get(from..).unwrap_or_default()
    }

    /// Has an object be so, and answers with it.
    pub fn put(&mut self, path: &str, mut object: Value) -> Result<Value> {
        let version = self.version() + 1;
        let metadata = &mut object["metadata"];
        metadata["resourceVersion"] = json!(version.to_string());
        if !metadata["uid"].is_string() {
            metadata["uid"] = json!(format!("00000000-0000-4000-8000-{version:012x}"));
        }
        self.write(path, &object)?;
        self.note(path, object.clone());
        Ok(object)
    }

    /// Has it be no more.
    pub fn delete(&mut self, path: &str) -> Result<()> {
        ensure!(self.objects.contains_key(path), "there is no {path}");
        self.write(path, &Value::Null)?;
        self.note(path, Value::Null);
        Ok(())
    }

    fn write(&mut self, path: &str, object: &Value) -> Result<()> {
        let line = format!("{}\n", json!({"path": path, "object": object}));
        Ok(self.file.write_all(line.as_bytes())?)
    }

    fn note(&mut self, path: &str, object: Value) {
        let (kind, object) = match object {
            Value::Null => ("DELETED", self.objects.remove(path).unwrap_or_default()),
            object => match self.objects.insert(path.to_owned(), object.clone()) {
                None => ("ADDED", object),
                Some(_) => ("MODIFIED", object),
            },
        };
        self.steps.push(Step {
            version: self.version() + 1,
            path: path.to_owned(),
            kind,
            object,
        });
    }
}
