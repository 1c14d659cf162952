"""Names of everything in the messages, for people: loaded by tools, not by the data path.

Made by `proto/asn1/compiler` from `proto/asn1`; not edited by hand.
"""

FIELDS: dict[str, dict[str, tuple[str, str]]] = {
    'BasicSafetyMessage': {'msgCnt': ('msgCnt', 'MsgCount'), 'id': ('id', 'BasicSafetyMessage.id'), 'secMark': ('secMark', 'DSecond'), 'timeConfidence': ('timeConfidence', 'TimeConfidence'), 'pos': ('pos', 'Position3D'), 'posAccuracy': ('posAccuracy', 'PositionalAccuracy'), 'posConfidence': ('posConfidence', 'PositionConfidenceSet'), 'transmission': ('transmission', 'TransmissionState'), 'speed': ('speed', 'Speed'), 'heading': ('heading', 'Heading'), 'angle': ('angle', 'SteeringWheelAngle'), 'motionCfd': ('motionCfd', 'MotionConfidenceSet'), 'accelSet': ('accelSet', 'AccelerationSet4Way'), 'brakes': ('brakes', 'BrakeSystemStatus'), 'size': ('size', 'VehicleSize'), 'vehicleClass': ('vehicleClass', 'VehicleClassification'), 'safetyExt': ('safetyExt', 'VehicleSafetyExtensions'), 'emergencyExt': ('emergencyExt', 'VehicleEmergencyExtensions')},
    'AccelerationSet4Way': {'long': ('long', 'Acceleration'), 'lat': ('lat', 'Acceleration'), 'vert': ('vert', 'VerticalAcceleration'), 'yaw': ('yaw', 'YawRate')},
    'MotionConfidenceSet': {'speedCfd': ('speedCfd', 'SpeedConfidence'), 'headingCfd': ('headingCfd', 'HeadingConfidence'), 'steerCfd': ('steerCfd', 'SteeringWheelAngleConfidence')},
    'PositionConfidenceSet': {'pos': ('pos', 'PositionConfidence'), 'elevation': ('elevation', 'ElevationConfidence')},
    'Position3D': {'lat': ('lat', 'Latitude'), 'long': ('long', 'Longitude'), 'elevation': ('elevation', 'Elevation')},
    'PositionalAccuracy': {'semiMajor': ('semiMajor', 'SemiMajorAxisAccuracy'), 'semiMinor': ('semiMinor', 'SemiMinorAxisAccuracy'), 'orientation': ('orientation', 'SemiMajorAxisOrientation')},
    'PositionOffsetLLV': {'offsetLL': ('offsetLL', 'PositionOffsetLL'), 'offsetV': ('offsetV', 'VerticalOffset')},
    'PositionLL24B': {'lon': ('lon', 'OffsetLL-B12'), 'lat': ('lat', 'OffsetLL-B12')},
    'PositionLL28B': {'lon': ('lon', 'OffsetLL-B14'), 'lat': ('lat', 'OffsetLL-B14')},
    'PositionLL32B': {'lon': ('lon', 'OffsetLL-B16'), 'lat': ('lat', 'OffsetLL-B16')},
    'PositionLL36B': {'lon': ('lon', 'OffsetLL-B18'), 'lat': ('lat', 'OffsetLL-B18')},
    'PositionLL44B': {'lon': ('lon', 'OffsetLL-B22'), 'lat': ('lat', 'OffsetLL-B22')},
    'PositionLL48B': {'lon': ('lon', 'OffsetLL-B24'), 'lat': ('lat', 'OffsetLL-B24')},
    'PositionLLmD64b': {'lon': ('lon', 'Longitude'), 'lat': ('lat', 'Latitude')},
    'MapData': {'msgCnt': ('msgCnt', 'MsgCount'), 'timeStamp': ('timeStamp', 'MinuteOfTheYear'), 'nodes': ('nodes', 'NodeList')},
    'RoadPoint': {'posOffset': ('posOffset', 'PositionOffsetLLV')},
    'RegulatorySpeedLimit': {'type': ('type', 'SpeedLimitType'), 'speed': ('speed', 'Speed')},
    'MessageFrameExt': {'messageId': ('messageId', 'MessageFrameExt.messageId'), 'value': ('value', 'MessageFrameExt.value')},
    'RoadsideSafetyMessage': {'msgCnt': ('msgCnt', 'MsgCount'), 'id': ('id', 'RoadsideSafetyMessage.id'), 'refPos': ('refPos', 'Position3D'), 'participants': ('participants', 'ParticipantList')},
    'ParticipantData': {'ptcType': ('ptcType', 'ParticipantType'), 'ptcId': ('ptcId', 'ParticipantData.ptcId'), 'source': ('source', 'SourceType'), 'id': ('id', 'ParticipantData.id'), 'secMark': ('secMark', 'DSecond'), 'pos': ('pos', 'PositionOffsetLLV'), 'posConfidence': ('posConfidence', 'PositionConfidenceSet'), 'transmission': ('transmission', 'TransmissionState'), 'speed': ('speed', 'Speed'), 'heading': ('heading', 'Heading'), 'angle': ('angle', 'SteeringWheelAngle'), 'motionCfd': ('motionCfd', 'MotionConfidenceSet'), 'accelSet': ('accelSet', 'AccelerationSet4Way'), 'size': ('size', 'VehicleSize'), 'vehicleClass': ('vehicleClass', 'VehicleClassification')},
    'IntersectionState': {'intersectionId': ('intersectionId', 'NodeReferenceID'), 'status': ('status', 'IntersectionStatusObject'), 'moy': ('moy', 'MinuteOfTheYear'), 'timeStamp': ('timeStamp', 'DSecond'), 'timeConfidence': ('timeConfidence', 'TimeConfidence'), 'phases': ('phases', 'PhaseList')},
    'Phase': {'id': ('id', 'PhaseID'), 'phaseStates': ('phaseStates', 'PhaseStateList')},
    'PhaseState': {'light': ('light', 'LightState'), 'timing': ('timing', 'TimeChangeDetails')},
    'UTCTiming': {'startUTCTime': ('startUTCTime', 'TimeMark'), 'minEndUTCTime': ('minEndUTCTime', 'TimeMark'), 'maxEndUTCTime': ('maxEndUTCTime', 'TimeMark'), 'likelyEndUTCTime': ('likelyEndUTCTime', 'TimeMark'), 'timeConfidence': ('timeConfidence', 'Confidence'), 'nextStartUTCTime': ('nextStartUTCTime', 'TimeMark'), 'nextEndUTCTime': ('nextEndUTCTime', 'TimeMark')},
    'TimeCountingDown': {'startTime': ('startTime', 'TimeMark'), 'minEndTime': ('minEndTime', 'TimeMark'), 'maxEndTime': ('maxEndTime', 'TimeMark'), 'likelyEndTime': ('likelyEndTime', 'TimeMark'), 'timeConfidence': ('timeConfidence', 'Confidence'), 'nextStartTime': ('nextStartTime', 'TimeMark'), 'nextDuration': ('nextDuration', 'TimeMark')},
    'SPAT': {'msgCnt': ('msgCnt', 'MsgCount'), 'moy': ('moy', 'MinuteOfTheYear'), 'timeStamp': ('timeStamp', 'DSecond'), 'name': ('name', 'DescriptiveName'), 'intersections': ('intersections', 'IntersectionStateList')},
    'BrakeSystemStatus': {'brakePadel': ('brakePadel', 'BrakePedalStatus'), 'wheelBrakes': ('wheelBrakes', 'BrakeAppliedStatus'), 'traction': ('traction', 'TractionControlStatus'), 'abs': ('abs', 'AntiLockBrakeStatus'), 'scs': ('scs', 'StabilityControlStatus'), 'brakeBoost': ('brakeBoost', 'BrakeBoostApplied'), 'auxBrakes': ('auxBrakes', 'AuxiliaryBrakeStatus')},
    'VehicleClassification': {'classification': ('classification', 'BasicVehicleClass'), 'fuelType': ('fuelType', 'FuelType')},
    'VehicleEmergencyExtensions': {'responseType': ('responseType', 'ResponseType'), 'sirenUse': ('sirenUse', 'SirenInUse'), 'lightsUse': ('lightsUse', 'LightbarInUse')},
    'VehicleSize': {'width': ('width', 'VehicleWidth'), 'length': ('length', 'VehicleLength'), 'height': ('height', 'VehicleHeight')},
    'DDateTime': {'year': ('year', 'DYear'), 'month': ('month', 'DMonth'), 'day': ('day', 'DDay'), 'hour': ('hour', 'DHour'), 'minute': ('minute', 'DMinute'), 'second': ('second', 'DSecond'), 'offset': ('offset', 'DTimeOffset')},
    'Lane': {'laneID': ('laneID', 'LaneID'), 'laneWidth': ('laneWidth', 'LaneWidth'), 'laneAttributes': ('laneAttributes', 'LaneAttributes'), 'maneuvers': ('maneuvers', 'AllowedManeuvers'), 'connectsTo': ('connectsTo', 'ConnectsToList'), 'speedLimits': ('speedLimits', 'SpeedLimitList'), 'points': ('points', 'PointList')},
    'Connection': {'remoteIntersection': ('remoteIntersection', 'NodeReferenceID'), 'connectingLane': ('connectingLane', 'ConnectingLane'), 'phaseId': ('phaseId', 'PhaseID')},
    'ConnectingLane': {'lane': ('lane', 'LaneID'), 'maneuver': ('maneuver', 'AllowedManeuvers')},
    'LaneAttributes': {'shareWith': ('shareWith', 'LaneSharing'), 'laneType': ('laneType', 'LaneTypeAttributes')},
    'Link': {'name': ('name', 'DescriptiveName'), 'upstreamNodeId': ('upstreamNodeId', 'NodeReferenceID'), 'speedLimits': ('speedLimits', 'SpeedLimitList'), 'linkWidth': ('linkWidth', 'LaneWidth'), 'points': ('points', 'PointList'), 'movements': ('movements', 'MovementList'), 'lanes': ('lanes', 'LaneList')},
    'Movement': {'remoteIntersection': ('remoteIntersection', 'NodeReferenceID'), 'phaseId': ('phaseId', 'PhaseID')},
    'Node': {'name': ('name', 'DescriptiveName'), 'id': ('id', 'NodeReferenceID'), 'refPos': ('refPos', 'Position3D'), 'inLinks': ('inLinks', 'LinkList')},
    'NodeReferenceID': {'region': ('region', 'RoadRegulatorID'), 'id': ('id', 'NodeID')},
    'RoadSideInformation': {'msgCnt': ('msgCnt', 'MsgCount'), 'moy': ('moy', 'MinuteOfTheYear'), 'id': ('id', 'RoadSideInformation.id'), 'refPos': ('refPos', 'Position3D'), 'rtes': ('rtes', 'RTEList'), 'rtss': ('rtss', 'RTSList')},
    'RTEData': {'rteId': ('rteId', 'RTEData.rteId'), 'eventType': ('eventType', 'EventType'), 'eventSource': ('eventSource', 'EventSource'), 'eventPos': ('eventPos', 'PositionOffsetLLV'), 'eventRadius': ('eventRadius', 'Radius'), 'description': ('description', 'Description'), 'timeDetails': ('timeDetails', 'RSITimeDetails'), 'priority': ('priority', 'RSIPriority'), 'referencePaths': ('referencePaths', 'ReferencePathList'), 'referenceLinks': ('referenceLinks', 'ReferenceLinkList'), 'eventConfidence': ('eventConfidence', 'Confidence')},
    'RSITimeDetails': {'startTime': ('startTime', 'MinuteOfTheYear'), 'endTime': ('endTime', 'MinuteOfTheYear'), 'endTimeConfidence': ('endTimeConfidence', 'TimeConfidence')},
    'ReferencePath': {'activePath': ('activePath', 'PathPointList'), 'pathRadius': ('pathRadius', 'Radius')},
    'RTSData': {'rtsId': ('rtsId', 'RTSData.rtsId'), 'signType': ('signType', 'SignType'), 'signPos': ('signPos', 'PositionOffsetLLV'), 'description': ('description', 'Description'), 'timeDetails': ('timeDetails', 'RSITimeDetails'), 'priority': ('priority', 'RSIPriority'), 'referencePaths': ('referencePaths', 'ReferencePathList'), 'referenceLinks': ('referenceLinks', 'ReferenceLinkList')},
    'ReferenceLink': {'upstreamNodeId': ('upstreamNodeId', 'NodeReferenceID'), 'downstreamNodeId': ('downstreamNodeId', 'NodeReferenceID'), 'referenceLanes': ('referenceLanes', 'ReferenceLanes')},
    'VehicleSafetyExtensions': {'events': ('events', 'VehicleEventFlags'), 'pathHistory': ('pathHistory', 'PathHistory'), 'pathPrediction': ('pathPrediction', 'PathPrediction'), 'lights': ('lights', 'ExteriorLights')},
    'PathHistory': {'initialPosition': ('initialPosition', 'FullPositionVector'), 'currGNSSstatus': ('currGNSSstatus', 'GNSSstatus'), 'crumbData': ('crumbData', 'PathHistoryPointList')},
    'FullPositionVector': {'utcTime': ('utcTime', 'DDateTime'), 'pos': ('pos', 'Position3D'), 'heading': ('heading', 'Heading'), 'transmission': ('transmission', 'TransmissionState'), 'speed': ('speed', 'Speed'), 'posAccuracy': ('posAccuracy', 'PositionalAccuracy'), 'posConficence': ('posConficence', 'PositionConfidenceSet'), 'timeConfidence': ('timeConfidence', 'TimeConfidence'), 'motionCfd': ('motionCfd', 'MotionConfidenceSet')},
    'PathHistoryPoint': {'llvOffset': ('llvOffset', 'PositionOffsetLLV'), 'timeOffset': ('timeOffset', 'TimeOffset'), 'speed': ('speed', 'Speed'), 'posAccuracy': ('posAccuracy', 'PositionConfidenceSet'), 'heading': ('heading', 'CoarseHeading')},
    'PathPrediction': {'radiusOfCurve': ('radiusOfCurve', 'RadiusOfCurvature'), 'confidence': ('confidence', 'Confidence')},
}
"""By class and attribute: the standard's name, and the type's."""

CHOICES: dict[str, dict[str, str]] = {
    'PositionOffsetLL': {'position-LL1': 'Position-LL-24B', 'position-LL2': 'Position-LL-28B', 'position-LL3': 'Position-LL-32B', 'position-LL4': 'Position-LL-36B', 'position-LL5': 'Position-LL-44B', 'position-LL6': 'Position-LL-48B', 'position-LatLon': 'Position-LLmD-64b'},
    'VerticalOffset': {'offset1': 'VertOffset-B07', 'offset2': 'VertOffset-B08', 'offset3': 'VertOffset-B09', 'offset4': 'VertOffset-B10', 'offset5': 'VertOffset-B11', 'offset6': 'VertOffset-B12', 'elevation': 'Elevation'},
    'MessageFrame': {'bsmFrame': 'BasicSafetyMessage', 'mapFrame': 'MapData', 'rsmFrame': 'RoadsideSafetyMessage', 'spatFrame': 'SPAT', 'rsiFrame': 'RoadSideInformation', 'msgFrameExt': 'MessageFrameExt'},
    'TimeChangeDetails': {'counting': 'TimeCountingDown', 'utcTiming': 'UTCTiming'},
    'LaneTypeAttributes': {'vehicle': 'LaneAttributes-Vehicle', 'crosswalk': 'LaneAttributes-Crosswalk', 'bikeLane': 'LaneAttributes-Bike', 'sidewalk': 'LaneAttributes-Sidewalk', 'median': 'LaneAttributes-Barrier', 'striping': 'LaneAttributes-Striping', 'trackedVehicle': 'LaneAttributes-TrackedVehicle', 'parking': 'LaneAttributes-Parking'},
    'Description': {'textString': 'Description.textString', 'textGB2312': 'Description.textGB2312'},
}
"""By type and alternative: the type of the alternative."""

LISTS: dict[str, str] = {
    'PointList': 'RoadPoint',
    'SpeedLimitList': 'RegulatorySpeedLimit',
    'ParticipantList': 'ParticipantData',
    'IntersectionStateList': 'IntersectionState',
    'PhaseList': 'Phase',
    'PhaseStateList': 'PhaseState',
    'LaneList': 'Lane',
    'ConnectsToList': 'Connection',
    'LinkList': 'Link',
    'MovementList': 'Movement',
    'NodeList': 'Node',
    'RTEList': 'RTEData',
    'ReferencePathList': 'ReferencePath',
    'RTSList': 'RTSData',
    'ReferenceLinkList': 'ReferenceLink',
    'PathPointList': 'PositionOffsetLLV',
    'PathHistoryPointList': 'PathHistoryPoint',
}
"""By type: the type of the items."""

ENUMERATIONS: dict[str, tuple[str, ...]] = {
    'HeadingConfidence': ('unavailable', 'prec10deg', 'prec05deg', 'prec01deg', 'prec0-1deg', 'prec0-05deg', 'prec0-01deg', 'prec0-0125deg'),
    'SpeedConfidence': ('unavailable', 'prec100ms', 'prec10ms', 'prec5ms', 'prec1ms', 'prec0-1ms', 'prec0-05ms', 'prec0-01ms'),
    'SteeringWheelAngleConfidence': ('unavailable', 'prec2deg', 'prec1deg', 'prec0-02deg'),
    'PositionConfidence': ('unavailable', 'a500m', 'a200m', 'a100m', 'a50m', 'a20m', 'a10m', 'a5m', 'a2m', 'a1m', 'a50cm', 'a20cm', 'a10cm', 'a5cm', 'a2cm', 'a1cm'),
    'ElevationConfidence': ('unavailable', 'elev-500-00', 'elev-200-00', 'elev-100-00', 'elev-050-00', 'elev-020-00', 'elev-010-00', 'elev-005-00', 'elev-002-00', 'elev-001-00', 'elev-000-50', 'elev-000-20', 'elev-000-10', 'elev-000-05', 'elev-000-02', 'elev-000-01'),
    'SpeedLimitType': ('unknown', 'maxSpeedInSchoolZone', 'maxSpeedInSchoolZoneWhenChildrenArePresent', 'maxSpeedInConstructionZone', 'vehicleMinSpeed', 'vehicleMaxSpeed', 'vehicleNightMaxSpeed', 'truckMinSpeed', 'truckMaxSpeed', 'truckNightMaxSpeed', 'vehiclesWithTrailersMinSpeed', 'vehiclesWithTrailersMaxSpeed', 'vehiclesWithTrailersNightMaxSpeed'),
    'ParticipantType': ('unknown', 'motor', 'non-motor', 'pedestrian', 'rsu'),
    'SourceType': ('unknown', 'selfinfo', 'v2x', 'video', 'microwaveRadar', 'loop', 'lidar', 'integrated'),
    'LightState': ('unavailable', 'dark', 'flashing-red', 'red', 'flashing-green', 'permissive-green', 'protected-green', 'yellow', 'flashing-yellow'),
    'BrakePedalStatus': ('unavailable', 'off', 'on'),
    'BrakeBoostApplied': ('unavailable', 'off', 'on'),
    'TractionControlStatus': ('unavailable', 'off', 'on', 'engaged'),
    'AntiLockBrakeStatus': ('unavailable', 'off', 'on', 'engaged'),
    'StabilityControlStatus': ('unavailable', 'off', 'on', 'engaged'),
    'AuxiliaryBrakeStatus': ('unavailable', 'off', 'on', 'reserved'),
    'ResponseType': ('notInUseOrNotEquipped', 'emergency', 'nonEmergency', 'pursuit', 'stationary', 'slowMoving', 'stopAndGoMovement'),
    'SirenInUse': ('unavailable', 'notInUse', 'inUse', 'reserved'),
    'LightbarInUse': ('unavailable', 'notInUse', 'inUse', 'yellowCautionLights', 'schooldBusLights', 'arrowSignsActive', 'slowMovingVehicle', 'freqStops'),
    'TransmissionState': ('neutral', 'park', 'forwardGears', 'reverseGears', 'reserved1', 'reserved2', 'reserved3', 'unavailable'),
    'TimeConfidence': ('unavailable', 'time-100-000', 'time-050-000', 'time-020-000', 'time-010-000', 'time-002-000', 'time-001-000', 'time-000-500', 'time-000-200', 'time-000-100', 'time-000-050', 'time-000-020', 'time-000-010', 'time-000-005', 'time-000-002', 'time-000-001', 'time-000-000-5', 'time-000-000-2', 'time-000-000-1', 'time-000-000-05', 'time-000-000-02', 'time-000-000-01', 'time-000-000-005', 'time-000-000-002', 'time-000-000-001', 'time-000-000-000-5', 'time-000-000-000-2', 'time-000-000-000-1', 'time-000-000-000-05', 'time-000-000-000-02', 'time-000-000-000-01', 'time-000-000-000-005', 'time-000-000-000-002', 'time-000-000-000-001', 'time-000-000-000-000-5', 'time-000-000-000-000-2', 'time-000-000-000-000-1', 'time-000-000-000-000-05', 'time-000-000-000-000-02', 'time-000-000-000-000-01'),
    'EventSource': ('unknown', 'police', 'government', 'meteorological', 'internet', 'detection'),
}
"""By type: the names, in order."""

BITS: dict[str, tuple[int, dict[int, str]]] = {
    'IntersectionStatusObject': (16, {0: 'manualControlIsEnabled', 1: 'stopTimeIsActivated', 2: 'failureFlash', 3: 'preemptIsActive', 4: 'signalPriorityIsActive', 5: 'fixedTimeOperation', 6: 'trafficDependentOperation', 7: 'standbyOperation', 8: 'failureMode', 9: 'off', 10: 'recentMAPmessageUpdate', 11: 'recentChangeInMAPassignedLanesIDsUsed', 12: 'noValidMAPisAvailableAtThisTime', 13: 'noValidSPATisAvailableAtThisTime'}),
    'BrakeAppliedStatus': (5, {0: 'unavailable', 1: 'leftFront', 2: 'leftRear', 3: 'rightFront', 4: 'rightRear'}),
    'VehicleEventFlags': (13, {0: 'eventHazardLights', 1: 'eventStopLineViolation', 2: 'eventABSactivated', 3: 'eventTractionControlLoss', 4: 'eventStabilityControlactivated', 5: 'eventHazardousMaterials', 6: 'eventReserved1', 7: 'eventHardBraking', 8: 'eventLightsChanged', 9: 'eventWipersChanged', 10: 'eventFlatTire', 11: 'eventDisabledVehicle', 12: 'eventAirBagDeployment'}),
    'ExteriorLights': (9, {0: 'lowBeamHeadlightsOn', 1: 'highBeamHeadlightsOn', 2: 'leftTurnSignalOn', 3: 'rightTurnSignalOn', 4: 'hazardSignalOn', 5: 'automaticLightControlOn', 6: 'daytimeRunningLightsOn', 7: 'fogLightOn', 8: 'parkingLightsOn'}),
    'AllowedManeuvers': (12, {0: 'maneuverStraightAllowed', 1: 'maneuverLeftAllowed', 2: 'maneuverRightAllowed', 3: 'maneuverUTurnAllowed', 4: 'maneuverLeftTurnOnRedAllowed', 5: 'maneuverRightTurnOnRedAllowed', 6: 'maneuverLaneChangeAllowed', 7: 'maneuverNoStoppingAllowed', 8: 'yieldAllwaysRequired', 9: 'goWithHalt', 10: 'caution', 11: 'reserved1'}),
    'LaneSharing': (10, {0: 'overlappingLaneDescriptionProvided', 1: 'multipleLanesTreatedAsOneLane', 2: 'otherNonMotorizedTrafficTypes', 3: 'individualMotorizedVehicleTraffic', 4: 'busVehicleTraffic', 5: 'taxiVehicleTraffic', 6: 'pedestriansTraffic', 7: 'cyclistVehicleTraffic', 8: 'trackedVehicleTraffic', 9: 'pedestrianTraffic'}),
    'LaneAttributes-Vehicle': (8, {0: 'isVehicleRevocableLane', 1: 'isVehicleFlyOverLane', 2: 'hovLaneUseOnly', 3: 'restrictedToBusUse', 4: 'restrictedToTaxiUse', 5: 'restrictedFromPublicUse', 6: 'hasIRbeaconCoverage', 7: 'permissionOnRequest'}),
    'LaneAttributes-Crosswalk': (16, {0: 'crosswalkRevocableLane', 1: 'bicyleUseAllowed', 2: 'isXwalkFlyOverLane', 3: 'fixedCycleTime', 4: 'biDirectionalCycleTimes', 5: 'hasPushToWalkButton', 6: 'audioSupport', 7: 'rfSignalRequestPresent', 8: 'unsignalizedSegmentsPresent'}),
    'LaneAttributes-Bike': (16, {0: 'bikeRevocableLane', 1: 'pedestrianUseAllowed', 2: 'isBikeFlyOverLane', 3: 'fixedCycleTime', 4: 'biDirectionalCycleTimes', 5: 'isolatedByBarrier', 6: 'unsignalizedSegmentsPresent'}),
    'LaneAttributes-Sidewalk': (16, {0: 'sidewalk-RevocableLane', 1: 'bicyleUseAllowed', 2: 'isSidewalkFlyOverLane', 3: 'walkBikes'}),
    'LaneAttributes-Barrier': (16, {0: 'median-RevocableLane', 1: 'median', 2: 'whiteLineHashing', 3: 'stripedLines', 4: 'doubleStripedLines', 5: 'trafficCones', 6: 'constructionBarrier', 7: 'trafficChannels', 8: 'lowCurbs', 9: 'highCurbs'}),
    'LaneAttributes-Striping': (16, {0: 'stripeToConnectingLanesRevocableLane', 1: 'stripeDrawOnLeft', 2: 'stripeDrawOnRight', 3: 'stripeToConnectingLanesLeft', 4: 'stripeToConnectingLanesRight', 5: 'stripeToConnectingLanesAhead'}),
    'LaneAttributes-TrackedVehicle': (16, {0: 'spec-RevocableLane', 1: 'spec-commuterRailRoadTrack', 2: 'spec-lightRailRoadTrack', 3: 'spec-heavyRailRoadTrack', 4: 'spec-otherRailType'}),
    'LaneAttributes-Parking': (16, {0: 'parkingRevocableLane', 1: 'parallelParkingInUse', 2: 'headInParkingInUse', 3: 'doNotParkZone', 4: 'parkingForBusUse', 5: 'parkingForTaxiUse', 6: 'noPublicParkingUse'}),
    'ReferenceLanes': (16, {0: 'reserved', 1: 'lane1', 2: 'lane2', 3: 'lane3', 4: 'lane4', 5: 'lane5', 6: 'lane6', 7: 'lane7', 8: 'lane8', 9: 'lane9', 10: 'lane10', 11: 'lane11', 12: 'lane12', 13: 'lane13', 14: 'lane14', 15: 'lane15'}),
    'GNSSstatus': (8, {0: 'unavailable', 1: 'isHealthy', 2: 'isMonitored', 3: 'baseStationType', 4: 'aPDOPofUnder5', 5: 'inViewOfUnder5', 6: 'localCorrectionsPresent', 7: 'networkCorrectionsPresent'}),
}
"""By type: how many bits, and the names of some; bit 0 is the first."""

NUMBERS: dict[str, dict[int, str]] = {
    'BasicVehicleClass': {0: 'unknownVehicleClass', 1: 'specialVehicleClass', 10: 'passenger-Vehicle-TypeUnknown', 11: 'passenger-Vehicle-TypeOther', 20: 'lightTruck-Vehicle-TypeUnknown', 21: 'lightTruck-Vehicle-TypeOther', 25: 'truck-Vehicle-TypeUnknown', 26: 'truck-Vehicle-TypeOther', 27: 'truck-axleCnt2', 28: 'truck-axleCnt3', 29: 'truck-axleCnt4', 30: 'truck-axleCnt4Trailer', 31: 'truck-axleCnt5Trailer', 32: 'truck-axleCnt6Trailer', 33: 'truck-axleCnt5MultiTrailer', 34: 'truck-axleCnt6MultiTrailer', 35: 'truck-axleCnt7MultiTrailer', 40: 'motorcycle-TypeUnknown', 41: 'motorcycle-TypeOther', 42: 'motorcycle-Cruiser-Standard', 43: 'motorcycle-SportUnclad', 44: 'motorcycle-SportTouring', 45: 'motorcycle-SuperSport', 46: 'motorcycle-Touring', 47: 'motorcycle-Trike', 48: 'motorcycle-wPassengers', 50: 'transit-TypeUnknown', 51: 'transit-TypeOther', 52: 'transit-BRT', 53: 'transit-ExpressBus', 54: 'transit-LocalBus', 55: 'transit-SchoolBus', 56: 'transit-FixedGuideway', 57: 'transit-Paratransit', 58: 'transit-Paratransit-Ambulance', 60: 'emergency-TypeUnknown', 61: 'emergency-TypeOther', 62: 'emergency-Fire-Light-Vehicle', 63: 'emergency-Fire-Heavy-Vehicle', 64: 'emergency-Fire-Paramedic-Vehicle', 65: 'emergency-Fire-Ambulance-Vehicle', 66: 'emergency-Police-Light-Vehicle', 67: 'emergency-Police-Heavy-Vehicle', 68: 'emergency-Other-Responder', 69: 'emergency-Other-Ambulance', 80: 'otherTraveler-TypeUnknown', 81: 'otherTraveler-TypeOther', 82: 'otherTraveler-Pedestrian', 83: 'otherTraveler-Visually-Disabled', 84: 'otherTraveler-Physically-Disabled', 85: 'otherTraveler-Bicycle', 86: 'otherTraveler-Vulnerable-Roadworker', 90: 'infrastructure-TypeUnknown', 91: 'infrastructure-Fixed', 92: 'infrastructure-Movable', 93: 'equipped-CargoTrailer'},
    'FuelType': {0: 'unknownFuel', 1: 'gasoline', 2: 'ethanol', 3: 'diesel', 4: 'electric', 5: 'hybrid', 6: 'hydrogen', 7: 'natGasLiquid', 8: 'natGasComp', 9: 'propane'},
}
"""By type: names of some numbers."""
