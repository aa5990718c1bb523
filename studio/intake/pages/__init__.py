"""PDF files and pictures: text with its page, tables as tables, letters recognised in scans, places to highlight."""
