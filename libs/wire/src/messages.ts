/**
 * The messages of `protos/consilium/v1`, typed. `X` is one that came: every field is there, and `body` names the one
 * that a union holds. `XInit` is one to be sent: a field left out has its default. 64-bit integers are JavaScript
 * numbers: exact up to 2^53, and what came beyond that is refused where it matters.
 */
export type { CoordinatorMessage, CoordinatorMessageInit } from './generated/consilium/v1/CoordinatorMessage.js';
export type { EnrolmentReply, EnrolmentReplyInit } from './generated/consilium/v1/EnrolmentReply.js';
export type { Evaluation, EvaluationInit } from './generated/consilium/v1/Evaluation.js';
export type { EvaluationOffer, EvaluationOfferInit } from './generated/consilium/v1/EvaluationOffer.js';
export type { Evidence, EvidenceInit } from './generated/consilium/v1/Evidence.js';
export type { Hello, HelloInit } from './generated/consilium/v1/Hello.js';
export type { JoinRequest, JoinRequestInit } from './generated/consilium/v1/JoinRequest.js';
export type { LogCheckpoint, LogCheckpointInit } from './generated/consilium/v1/LogCheckpoint.js';
export type { Metric, MetricInit } from './generated/consilium/v1/Metric.js';
export type { MetricName } from './generated/consilium/v1/MetricName.js';
export type { ModelChunk, ModelChunkInit } from './generated/consilium/v1/ModelChunk.js';
export type { ModelRequest, ModelRequestInit } from './generated/consilium/v1/ModelRequest.js';
export type { PlanDecision, PlanDecisionInit } from './generated/consilium/v1/PlanDecision.js';
export type { PlanOffer, PlanOfferInit } from './generated/consilium/v1/PlanOffer.js';
export type { PlanWithdrawal, PlanWithdrawalInit } from './generated/consilium/v1/PlanWithdrawal.js';
export type { RoundClosed, RoundClosedInit } from './generated/consilium/v1/RoundClosed.js';
export type { RoundOffer, RoundOfferInit } from './generated/consilium/v1/RoundOffer.js';
export type { RoundRef, RoundRefInit } from './generated/consilium/v1/RoundRef.js';
export type { RoundRefusal, RoundRefusalInit } from './generated/consilium/v1/RoundRefusal.js';
export type { RunEnded, RunEndedInit } from './generated/consilium/v1/RunEnded.js';
export type { SignedRequest, SignedRequestInit } from './generated/consilium/v1/SignedRequest.js';
export type { SiteMessage, SiteMessageInit } from './generated/consilium/v1/SiteMessage.js';
export type { TrainingProgress, TrainingProgressInit } from './generated/consilium/v1/TrainingProgress.js';
export type { UpdateHeader, UpdateHeaderInit } from './generated/consilium/v1/UpdateHeader.js';
export type { UpdateState, UpdateStateInit } from './generated/consilium/v1/UpdateState.js';
export type { UploadMessage, UploadMessageInit } from './generated/consilium/v1/UploadMessage.js';
export type { UploadReceipt, UploadReceiptInit } from './generated/consilium/v1/UploadReceipt.js';
export type { Welcome, WelcomeInit } from './generated/consilium/v1/Welcome.js';
export type { WitnessAnswer, WitnessAnswerInit } from './generated/consilium/v1/WitnessAnswer.js';
