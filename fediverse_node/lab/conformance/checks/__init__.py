"""The questions, one module for each part of a server; `index.py` beside this folder has their order."""
