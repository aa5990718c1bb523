"""Parts of pages with handlers of their own: each builds its components, and says what they show."""
