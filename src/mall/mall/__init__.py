"""The shop's front end: its pages, and the API that collects what they show."""
