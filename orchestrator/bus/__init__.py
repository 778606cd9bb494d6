"""NATS JetStream, the wake-up. Only this package imports nats."""

from orchestrator.bus.bus import ONE_SERVER, STREAM, Bus, BusSettings, BusState, Delivery
from orchestrator.bus.connection import bus_errors

__all__ = ["ONE_SERVER", "STREAM", "Bus", "BusSettings", "BusState", "Delivery", "bus_errors"]
