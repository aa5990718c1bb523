"""What every room stands on: settings, errors, records, events, the project folder, runs, words, facts about the machine.

Nothing here knows what the user wants to achieve, and nothing here imports a heavy library.
"""
