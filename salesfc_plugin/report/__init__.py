"""What people look at: the marts as one self-contained HTML page, and one series as a picture."""

from salesfc_plugin.report.marts import ReportError
from salesfc_plugin.report.page import write_report
from salesfc_plugin.report.plot import plot_series

__all__ = ["ReportError", "plot_series", "write_report"]
