"""The shop's front: its pages, and the API that gathers what they show."""
