//! A reader of CEF, written from the specification and not from the encoder.

use std::collections::BTreeMap;

/// A record, unescaped.
pub struct Record {
    pub header: Vec<String>,
    pub extension: BTreeMap<String, String>,
}

/// Keys of the dictionary that Lapwing uses, with the most characters of their values.
pub const DICTIONARY: &[(&str, usize)] = &[
    ("act", 63),
    ("app", 31),
    ("c6a2", 1023),
    ("c6a2Label", 1023),
    ("c6a3", 1023),
    ("c6a3Label", 1023),
    ("cat", 1023),
    ("cn1", 31),
    ("cn1Label", 1023),
    ("cnt", 31),
    ("cs1", 4000),
    ("cs1Label", 1023),
    ("cs2", 4000),
    ("cs2Label", 1023),
    ("cs3", 4000),
    ("cs3Label", 1023),
    ("cs4", 4000),
    ("cs4Label", 1023),
    ("cs5", 4000),
    ("cs5Label", 1023),
    ("cs6", 4000),
    ("cs6Label", 1023),
    ("destinationServiceName", 1023),
    ("deviceExternalId", 255),
    ("deviceFacility", 1023),
    ("dhost", 1023),
    ("dpid", 31),
    ("dproc", 1023),
    ("dpt", 31),
    ("dst", 31),
    ("dvchost", 100),
    ("end", 31),
    ("externalId", 40),
    ("fileHash", 255),
    ("filePath", 1023),
    ("filePermission", 1023),
    ("fileType", 1023),
    ("flexString1", 1023),
    ("flexString1Label", 128),
    ("flexString2", 1023),
    ("flexString2Label", 128),
    ("fname", 1023),
    ("msg", 1023),
    ("oldFilePath", 1023),
    ("outcome", 63),
    ("proto", 31),
    ("reason", 1023),
    ("requestContext", 2048),
    ("rt", 31),
    ("shost", 1023),
    ("sourceServiceName", 1023),
    ("spid", 31),
    ("sproc", 1023),
    ("spt", 31),
    ("src", 31),
    ("start", 31),
    ("suid", 1023),
];

/// Reads a record: seven fields that end with a pipe, and pairs in which an equals sign that no
/// backslash stands before ends the key, which begins behind the last space.
pub fn read(line: &str) -> Result<Record, String> {
    let body = line.strip_prefix("CEF:").ok_or("no prefix")?;
    let mut header = vec![String::new()];
    let mut chars = body.chars();
    while header.len() < 8 {
        match chars.next().ok_or("the header ends")? {
            '\\' => match chars.next() {
                Some(c @ ('\\' | '|')) => header.last_mut().unwrap().push(c),
                other => return Err(format!("escape of {other:?} in the header")),
            },
            '|' => header.push(String::new()),
            c => header.last_mut().unwrap().push(c),
        }
    }
    header.pop();
    let mut extension = BTreeMap::new();
    let mut key: Option<String> = None;
    // As it stands, with a mark before what was escaped.
    let mut value: Vec<(char, bool)> = Vec::new();
    let mut end = |key: &mut Option<String>, value: &[(char, bool)]| -> Result<(), String> {
        if let Some(key) = key.take() {
            let value: String = value.iter().map(|(c, _)| c).collect();
            if extension.insert(key.clone(), value).is_some() {
                return Err(format!("{key} twice"));
            }
        }
        Ok(())
    };
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some(c @ ('\\' | '=')) => value.push((c, true)),
                other => return Err(format!("escape of {other:?} in the extension")),
            },
            '=' => {
                let place = value.iter().rposition(|(c, _)| *c == ' ');
                let next: String = value[place.map_or(0, |place| place + 1)..]
                    .iter()
                    .map(|(c, _)| c)
                    .collect();
                if next.is_empty() || !next.chars().all(|c| c.is_ascii_alphanumeric()) {
                    return Err(format!("the key {next:?}"));
                }
                end(&mut key, &value[..place.unwrap_or(0)])?;
                key = Some(next);
                value.clear();
            }
            c => value.push((c, false)),
        }
    }
    end(&mut key, &value)?;
    Ok(Record { header, extension })
}
