"""Questions that can and that cannot be answered, asked about drawn films, and what the Reader does with them."""
