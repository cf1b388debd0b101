//! Names that no pattern of a profile takes in.

/// A number in letters: names with numbers in them are of one form, and a profile that learns
/// many of one form keeps the form alone.
pub fn in_letters(number: u64) -> String {
    let digits = number.to_string();
    digits
        .bytes()
        .map(|digit| char::from(digit - b'0' + b'a'))
        .collect()
}
