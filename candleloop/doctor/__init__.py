"""The doctor: shows on the user's own series that training, batch and requests agree and that nothing leaks."""

from candleloop.doctor.examine import examine
from candleloop.doctor.report import Check, DoctorReport, Verdict

__all__ = ["Check", "DoctorReport", "Verdict", "examine"]
