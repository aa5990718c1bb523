"""What is shown, as pure functions from records to HTML. No Gradio here, and nothing is read from disk."""
