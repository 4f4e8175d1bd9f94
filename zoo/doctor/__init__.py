"""Doctor: what is damaged in a home, and how it is put right."""
