"""Names of everything in the messages, for people: loaded by tools, not by the data path.

Made by `proto/asn1/uper_compiler` from `proto/asn1`; not edited by hand.
"""

FIELDS_OF: dict[str, str] = {
    'RoadsideCoordination': 'RoadsideCoordination',
    'VehicleCoordination': 'VehicleCoordination',
    'DriveSuggestion': 'DriveSuggestion',
    'LaneCoordination': 'LaneCoordination',
    'VehIntentionAndRequest': 'VehIntentionAndRequest',
    'IARData': 'IARData',
    'DriveRequest': 'DriveRequest',
    'Req-LaneChange': 'ReqLaneChange',
    'Req-ClearTheWay': 'ReqClearTheWay',
    'Req-SignalPriority': 'ReqSignalPriority',
    'MovementEx': 'MovementEx',
    'Req-SensorSharing': 'ReqSensorSharing',
    'Planning': 'Planning',
    'PathPlanningPoint': 'PathPlanningPoint',
    'AccSet4WayConfidence': 'AccSet4WayConfidence',
    'CLPMM': 'CLPMM',
    'MemberManagement': 'MemberManagement',
    'MemberNode': 'MemberNode',
    'SensorSharingMsg': 'SensorSharingMsg',
    'DetectedPTCData': 'DetectedPTCData',
    'MotorDataExtension': 'MotorDataExtension',
    'AttitudeConfidence': 'AttitudeConfidence',
    'AngularVelocity': 'AngularVelocity',
    'AngularVelocityConfidence': 'AngularVelocityConfidence',
    'Non-motorDataExtension': 'NonMotorDataExtension',
    'DetectedObstacleData': 'DetectedObstacleData',
    'ObjectSize': 'ObjectSize',
    'ObjectSizeConfidence': 'ObjectSizeConfidence',
    'PersonalSafetyMessage': 'PersonalSafetyMessage',
    'Non-motorData': 'NonMotorData',
    'PersonalRequest': 'PersonalRequest',
}
"""By type: the class of a SEQUENCE."""

OCTETS: dict[str, None] = {
    'RoadsideCoordination.id': None,
    'VehicleCoordination.vehId': None,
    'VehIntentionAndRequest.id': None,
    'DriveRequest.reqPriority': None,
    'DriveRequest.targetVeh': None,
    'DriveRequest.targetRSU': None,
    'CLPMM.id': None,
    'CLPMM.pid': None,
    'MemberNode.vid': None,
    'SensorSharingMsg.id': None,
    'PersonalSafetyMessage.id': None,
}
"""Types that are bytes."""

FIELDS: dict[str, dict[str, tuple[str, str]]] = {
    'RoadsideCoordination': {'msgCnt': ('msgCnt', 'MsgCount'), 'id': ('id', 'RoadsideCoordination.id'), 'secMark': ('secMark', 'DSecond'), 'refPos': ('refPos', 'Position3D'), 'coordinates': ('coordinates', 'VehicleCoordinationList'), 'laneCoordinates': ('laneCoordinates', 'LaneCoordinationList')},
    'VehicleCoordination': {'vehId': ('vehId', 'VehicleCoordination.vehId'), 'driveSuggestion': ('driveSuggestion', 'DriveSuggestion'), 'pathGuidance': ('pathGuidance', 'PathPlanning'), 'info': ('info', 'CoordinationInfo')},
    'DriveSuggestion': {'suggestion': ('suggestion', 'DriveBehavior'), 'lifeTime': ('lifeTime', 'TimeOffset'), 'relatedLink': ('relatedLink', 'ReferenceLink'), 'relatedPath': ('relatedPath', 'ReferencePath')},
    'LaneCoordination': {'targetLane': ('targetLane', 'ReferenceLink'), 'relatedPath': ('relatedPath', 'ReferencePath'), 'tBegin': ('tBegin', 'DDateTime'), 'tEnd': ('tEnd', 'DDateTime'), 'recommendedSpeed': ('recommendedSpeed', 'Speed'), 'recommendedBehavior': ('recommendedBehavior', 'DriveBehavior'), 'info': ('info', 'CoordinationInfo'), 'description': ('description', 'Description')},
    'VehIntentionAndRequest': {'msgCnt': ('msgCnt', 'MsgCount'), 'id': ('id', 'VehIntentionAndRequest.id'), 'secMark': ('secMark', 'DSecond'), 'refPos': ('refPos', 'Position3D'), 'intAndReq': ('intAndReq', 'IARData')},
    'IARData': {'currentPos': ('currentPos', 'PathPlanningPoint'), 'path_Planning': ('path-Planning', 'PathPlanning'), 'currentBehavior': ('currentBehavior', 'DriveBehavior'), 'reqs': ('reqs', 'DriveRequestList')},
    'DriveRequest': {'reqID': ('reqID', 'DriveRequest.reqID'), 'status': ('status', 'ReqStatus'), 'reqPriority': ('reqPriority', 'DriveRequest.reqPriority'), 'targetVeh': ('targetVeh', 'DriveRequest.targetVeh'), 'targetRSU': ('targetRSU', 'DriveRequest.targetRSU'), 'info': ('info', 'ReqInfo'), 'lifeTime': ('lifeTime', 'TimeOffset')},
    'ReqLaneChange': {'upstreamNode': ('upstreamNode', 'NodeReferenceID'), 'downstreamNode': ('downstreamNode', 'NodeReferenceID'), 'targetLane': ('targetLane', 'LaneID')},
    'ReqClearTheWay': {'upstreamNode': ('upstreamNode', 'NodeReferenceID'), 'downstreamNode': ('downstreamNode', 'NodeReferenceID'), 'targetLane': ('targetLane', 'LaneID'), 'relatedPath': ('relatedPath', 'ReferencePath'), 'tBegin': ('tBegin', 'DDateTime'), 'tEnd': ('tEnd', 'DDateTime')},
    'ReqSignalPriority': {'intersectionId': ('intersectionId', 'NodeReferenceID'), 'requiredMov': ('requiredMov', 'MovementEx'), 'estimatedArrivalTime': ('estimatedArrivalTime', 'TimeOffset'), 'distance2Intersection': ('distance2Intersection', 'Req-SignalPriority.distance2Intersection')},
    'MovementEx': {'remoteIntersection': ('remoteIntersection', 'NodeReferenceID'), 'phaseId': ('phaseId', 'PhaseID'), 'turn_direction': ('turn-direction', 'Maneuver')},
    'ReqSensorSharing': {'detectArea': ('detectArea', 'ReferencePathList')},
    'Planning': {'duration': ('duration', 'Planning.duration'), 'planConfidence': ('planConfidence', 'Confidence'), 'drivingBehavior': ('drivingBehavior', 'DriveBehavior'), 'pathPlanning': ('pathPlanning', 'PathPlanning')},
    'PathPlanningPoint': {'posInMap': ('posInMap', 'ReferenceLink'), 'pos': ('pos', 'PositionOffsetLLV'), 'posAccuracy': ('posAccuracy', 'PositionConfidenceSet'), 'speed': ('speed', 'Speed'), 'speedCfd': ('speedCfd', 'SpeedConfidence'), 'heading': ('heading', 'Heading'), 'headingCfd': ('headingCfd', 'HeadingConfidence'), 'accelSet': ('accelSet', 'AccelerationSet4Way'), 'acc4WayConfidence': ('acc4WayConfidence', 'AccSet4WayConfidence'), 'estimatedTime': ('estimatedTime', 'TimeOffset'), 'timeConfidence': ('timeConfidence', 'Confidence')},
    'AccSet4WayConfidence': {'lonAccConfidence': ('lonAccConfidence', 'AccConfidence'), 'latAccConfidence': ('latAccConfidence', 'AccConfidence'), 'vertAccConfidence': ('vertAccConfidence', 'AccConfidence'), 'yawRateCon': ('yawRateCon', 'AngularVConfidence')},
    'CLPMM': {'msgCnt': ('msgCnt', 'MsgCount'), 'id': ('id', 'CLPMM.id'), 'secMark': ('secMark', 'DSecond'), 'pid': ('pid', 'CLPMM.pid'), 'role': ('role', 'RoleInPlatooning'), 'status': ('status', 'StatusInPlatooning'), 'leadingExt': ('leadingExt', 'MemberManagement')},
    'MemberManagement': {'memberList': ('memberList', 'MemberList'), 'joiningList': ('joiningList', 'MemberList'), 'leavingList': ('leavingList', 'MemberList'), 'capacity': ('capacity', 'MemberManagement.capacity'), 'openToJoin': ('openToJoin', 'MemberManagement.openToJoin')},
    'MemberNode': {'vid': ('vid', 'MemberNode.vid')},
    'SensorSharingMsg': {'msgCnt': ('msgCnt', 'MsgCount'), 'id': ('id', 'SensorSharingMsg.id'), 'equipmentType': ('equipmentType', 'EquipmentType'), 'secMark': ('secMark', 'DSecond'), 'sensorPos': ('sensorPos', 'Position3D'), 'detectedRegion': ('detectedRegion', 'DetectedRegion'), 'participants': ('participants', 'DetectedPTCList'), 'obstacles': ('obstacles', 'DetectedObstacleList'), 'rtes': ('rtes', 'RTEList')},
    'DetectedPTCData': {'ptc': ('ptc', 'ParticipantData'), 'objSizeConfidence': ('objSizeConfidence', 'ObjectSizeConfidence'), 'detectedPTCType': ('detectedPTCType', 'DetectedPTCType'), 'typeConfidence': ('typeConfidence', 'Confidence'), 'acc4WayConfidence': ('acc4WayConfidence', 'AccSet4WayConfidence'), 'statusDuration': ('statusDuration', 'TimeOffset'), 'pathHistory': ('pathHistory', 'PathHistory'), 'planningList': ('planningList', 'PlanningList'), 'tracking': ('tracking', 'DetectedPTCData.tracking'), 'polygon': ('polygon', 'Polygon'), 'type_relatedExt': ('type-relatedExt', 'TypeRelatedExt')},
    'MotorDataExtension': {'lights': ('lights', 'ExteriorLights'), 'vehAttitude': ('vehAttitude', 'Unstated'), 'vehAttitudeConfidence': ('vehAttitudeConfidence', 'AttitudeConfidence'), 'vehAngVel': ('vehAngVel', 'AngularVelocity'), 'vehAngVelConfidence': ('vehAngVelConfidence', 'AngularVelocityConfidence')},
    'AttitudeConfidence': {'pitchConfidence': ('pitchConfidence', 'HeadingConfidence'), 'rollRateConfidence': ('rollRateConfidence', 'HeadingConfidence'), 'yawRate': ('yawRate', 'HeadingConfidence')},
    'AngularVelocity': {'pitchRate': ('pitchRate', 'AngularVelocity.pitchRate'), 'rollRate': ('rollRate', 'AngularVelocity.rollRate'), 'yawRate': ('yawRate', 'AngularVelocity.yawRate')},
    'AngularVelocityConfidence': {'pitchRate': ('pitchRate', 'AngularVConfidence'), 'rollRate': ('rollRate', 'AngularVConfidence'), 'yawRate': ('yawRate', 'AngularVConfidence')},
    'NonMotorDataExtension': {'overallRadius': ('overallRadius', 'Non-motorDataExtension.overallRadius'), 'non_motorData': ('non-motorData', 'Non-motorData')},
    'DetectedObstacleData': {'obsType': ('obsType', 'ObstacleType'), 'objTypeConfidence': ('objTypeConfidence', 'Confidence'), 'obsId': ('obsId', 'DetectedObstacleData.obsId'), 'source': ('source', 'SourceType'), 'secMark': ('secMark', 'DSecond'), 'pos': ('pos', 'PositionOffsetLLV'), 'posConfidence': ('posConfidence', 'PositionConfidenceSet'), 'speed': ('speed', 'Speed'), 'speedCfd': ('speedCfd', 'SpeedConfidence'), 'heading': ('heading', 'Heading'), 'headingCfd': ('headingCfd', 'HeadingConfidence'), 'verSpeed': ('verSpeed', 'Speed'), 'verSpeedConfidence': ('verSpeedConfidence', 'SpeedConfidence'), 'accelSet': ('accelSet', 'AccelerationSet4Way'), 'size': ('size', 'ObjectSize'), 'objSizeConfidence': ('objSizeConfidence', 'ObjectSizeConfidence'), 'tracking': ('tracking', 'DetectedObstacleData.tracking'), 'polygon': ('polygon', 'Polygon')},
    'ObjectSize': {'width': ('width', 'SizeValue'), 'length': ('length', 'SizeValue'), 'height': ('height', 'SizeValue')},
    'ObjectSizeConfidence': {'widthConf': ('widthConf', 'SizeValueConfidence'), 'lengthConf': ('lengthConf', 'SizeValueConfidence'), 'heightConf': ('heightConf', 'SizeValueConfidence')},
    'PersonalSafetyMessage': {'msgCnt': ('msgCnt', 'MsgCount'), 'id': ('id', 'PersonalSafetyMessage.id'), 'secMark': ('secMark', 'DSecond'), 'timeConfidence': ('timeConfidence', 'TimeConfidence'), 'pos': ('pos', 'Position3D'), 'posAccuracy': ('posAccuracy', 'PositionalAccuracy'), 'speed': ('speed', 'Speed'), 'heading': ('heading', 'Heading'), 'accelSet': ('accelSet', 'AccelerationSet4Way'), 'pathHistory': ('pathHistory', 'PathHistory'), 'path_Planning': ('path-Planning', 'PathPlanning'), 'overallRadius': ('overallRadius', 'PersonalSafetyMessage.overallRadius'), 'non_motorData': ('non-motorData', 'Non-motorData')},
    'NonMotorData': {'basicType': ('basicType', 'PersonalDeviceUserType'), 'propulsion': ('propulsion', 'Unstated'), 'clusterSize': ('clusterSize', 'NumberOfParticipantsInCluster'), 'attachment': ('attachment', 'Attachment'), 'personalExt': ('personalExt', 'Unstated'), 'roadWorkerExt': ('roadWorkerExt', 'Unstated'), 'personalReq': ('personalReq', 'PersonalRequest')},
    'PersonalRequest': {'crossing': ('crossing', 'PersonalCrossing')},
}
"""By class and attribute: the standard's name, and the type's (two types: it depends on the profile)."""

CHOICES: dict[str, dict[str, str]] = {
    'ReqInfo': {'laneChange': 'Req-LaneChange', 'clearTheWay': 'Req-ClearTheWay', 'signalPriority': 'Req-SignalPriority', 'sensorSharing': 'Req-SensorSharing', 'parking': 'Unstated'},
    'TypeRelatedExt': {'motorExt': 'MotorDataExtension', 'non-motorExt': 'Non-motorDataExtension'},
}
"""By type and alternative: the type of the alternative."""

LISTS: dict[str, str] = {
    'VehicleCoordinationList': 'VehicleCoordination',
    'LaneCoordinationList': 'LaneCoordination',
    'DriveRequestList': 'DriveRequest',
    'PlanningList': 'Planning',
    'PathPlanning': 'PathPlanningPoint',
    'MemberList': 'MemberNode',
    'DetectedRegion': 'Polygon',
    'Polygon': 'PositionOffsetLLV',
    'DetectedPTCList': 'DetectedPTCData',
    'DetectedObstacleList': 'DetectedObstacleData',
}
"""By type: the type of the items."""

ENUMERATIONS: dict[str, tuple[str, ...]] = {
    'ReqStatus': ('unknown', 'request', 'comfirmed', 'cancel', 'complete'),
    'Maneuver': ('maneuverStraight', 'maneuverLeftTurn', 'maneuverRightTurn', 'maneuverUTurn'),
    'AccConfidence': ('unavailable', 'prec100deg', 'prec10deg', 'prec5deg', 'prec1deg', 'prec0-1deg', 'prec0-05deg', 'prec0-01deg'),
    'AngularVConfidence': ('unavailable', 'prec100deg', 'prec10deg', 'prec5deg', 'prec1deg', 'prec0-1deg', 'prec0-05deg', 'prec0-01deg'),
    'RoleInPlatooning': ('leader', 'follower', 'tail', 'free-vehicle'),
    'StatusInPlatooning': ('navigating', 'beginToDissmiss', 'askForJoining', 'joining', 'following', 'askForLeaving', 'leaving'),
    'EquipmentType': ('unknown', 'rsu', 'obu', 'vru'),
    'DetectedPTCType': ('unknown', 'unknown-movable', 'unknown-unmovable', 'car', 'van', 'truck', 'bus', 'cyclist', 'motorcyclist', 'tricyclist', 'pedestrian'),
    'ObstacleType': ('unknown', 'rockfall', 'landslide', 'animal-intrusion', 'liquid-spill', 'goods-scattered', 'trafficcone', 'safety-triangle', 'traffic-roadblock', 'inspection-shaft-without-cover', 'unknown-fragments', 'unknown-hard-object', 'unknown-soft-object'),
    'SizeValueConfidence': ('unavailable', 'size-100-00', 'size-050-00', 'size-020-00', 'size-010-00', 'size-005-00', 'size-002-00', 'size-001-00', 'size-000-50', 'size-000-20', 'size-000-10', 'size-000-05', 'size-000-02', 'size-000-01'),
    'PersonalDeviceUserType': ('unavailable', 'aPEDESTRIAN', 'aPEDALCYCLIST', 'aROADWORKER', 'anANIMAL'),
    'NumberOfParticipantsInCluster': ('unavailable', 'small', 'medium', 'large'),
    'Attachment': ('unavailable', 'stroller', 'bicycleTrailer', 'cart', 'wheelchair', 'otherWalkAssistAttachments', 'pet'),
    'PersonalCrossing': ('unavailable', 'request', 'crossing', 'finish'),
}
"""By type: the names, in order."""

BITS: dict[str, tuple[int, dict[int, str]]] = {
    'CoordinationInfo': (8, {0: 'cooperativeLaneChanging', 1: 'cooperativeVehMerging', 2: 'laneChangingAtIntersection', 3: 'no-signalIntersectionPassing', 4: 'dynamicLaneManagement', 5: 'laneReservation', 6: 'laneRestriction', 7: 'signalPriority'}),
    'DriveBehavior': (14, {0: 'goStraightForward', 1: 'laneChangingToLeft', 2: 'laneChangingToRight', 3: 'rampIn', 4: 'rampOut', 5: 'intersectionStraightThrough', 6: 'intersectionTurnLeft', 7: 'intersectionTurnRight', 8: 'intersectionUTurn', 9: 'stop-and-go', 10: 'stop', 11: 'slow-down', 12: 'speed-up', 13: 'parking'}),
}
"""By type: how many bits, and the names of some; bit 0 is the first."""

NUMBERS: dict[str, dict[int, str]] = {
}
"""By type: names of some numbers."""
