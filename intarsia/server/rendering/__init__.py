"""From a widget function to what one person sees of it."""
