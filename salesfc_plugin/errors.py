"""What every error of the command line has in common."""


class SalesfcError(Exception):
    """Something the user can mend: the message is one line that says what, and what to do."""
