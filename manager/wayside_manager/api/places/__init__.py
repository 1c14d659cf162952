"""SiteService: sites, corridors, groups and geofences."""
