"""Engines: from ids to the next ids. Those for a CPU, native and numpy, never import torch."""
