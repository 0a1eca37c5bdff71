//! Ten digits of 3x5 dots, for numbers that people read off the picture.

/// Dots of a digit across.
pub(crate) const COLUMNS: usize = 3;
/// Dots of a digit down.
pub(crate) const ROWS: usize = 5;

/// The rows of each digit from top to bottom; bit 2 is the left dot.
const DIGITS: [[u8; ROWS]; 10] = [
    [0b111, 0b101, 0b101, 0b101, 0b111],
    [0b010, 0b110, 0b010, 0b010, 0b111],
    [0b111, 0b001, 0b111, 0b100, 0b111],
    [0b111, 0b001, 0b111, 0b001, 0b111],
    [0b101, 0b101, 0b111, 0b001, 0b001],
    [0b111, 0b100, 0b111, 0b001, 0b111],
    [0b111, 0b100, 0b111, 0b101, 0b111],
    [0b111, 0b001, 0b001, 0b010, 0b010],
    [0b111, 0b101, 0b111, 0b101, 0b111],
    [0b111, 0b101, 0b111, 0b001, 0b111],
];

/// Whether `digit`, 0 to 9, has a dot at `column`, `row`.
pub(crate) fn dot(digit: u32, column: usize, row: usize) -> bool {
    DIGITS[digit as usize][row] >> (COLUMNS - 1 - column) & 1 == 1
}
