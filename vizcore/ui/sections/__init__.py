"""What one page needs beside its controls: a module for each page that has such code, imported by that page only."""
