"""Mastering: many source records of one thing become one golden record. Pure: frames in, frames out."""
