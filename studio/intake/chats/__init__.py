"""Conversations: who said what, who speaks for the business, and the questions and answers in it."""
