"""The HTML report of a study, the tracking sheet of all studies, and their index."""
