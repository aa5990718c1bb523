"""Mail: single messages, Outlook's own, mailboxes; threads, quoted history and signatures."""
