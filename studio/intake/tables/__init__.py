"""Tables: CSV, spreadsheets, JSON; what a row and a column mean, and an account of every row."""
