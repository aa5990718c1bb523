"""Fetch material from elsewhere: pages of the web, rows of a database, a data set of the Hugging Face Hub.

Each verb writes snapshots into a folder and says where they come from; `intake.add` takes them in like any other file,
so that an original stays untouched and fetching again replaces it. Secrets are arguments and are kept nowhere.
"""

from studio.intake.fetching.crawl import web
from studio.intake.fetching.databases import database, list_tables, shown
from studio.intake.fetching.fetched import Fetched
from studio.intake.fetching.hub import dataset

__all__ = ["Fetched", "database", "dataset", "list_tables", "shown", "web"]
