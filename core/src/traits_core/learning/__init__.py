"""Pieces of mathematics that several methods are made of; public names of `traits_core`."""
