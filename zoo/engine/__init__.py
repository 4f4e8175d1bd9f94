"""Engines: from ids to the next ids. The CPU engine never imports torch."""
