"""How people see a run: one self-contained HTML page, made from plain values."""
