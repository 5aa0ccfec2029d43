//! perisai-app.
