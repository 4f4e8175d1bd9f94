"""The starter models, installed as `zoo_starters`: trained by this code on public-domain text."""
