"""Text documents: Word, PowerPoint, OpenDocument, RTF, e-books, web pages and plain text."""
