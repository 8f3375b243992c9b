"""An order, from validation to shipment, undone step by step when something goes wrong."""
