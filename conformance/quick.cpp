#include "quick.hpp"

namespace bsp::conformance {

std::vector<std::string> quick_checks() {
    return {
        // GEN: errors, methods, media types
        "gen/health", "gen/problem-documents", "gen/signed-numbers",
        // ID
        "id/members", "id/key-acceptable", "id/capabilities",
        // REG: pairing and its tokens, who is who
        "reg/answer", "reg/challenge", "reg/unacceptable-keys", "sbt/signature-checked", "sbt/expired", "sbt/user-id-exact", "peer/unpair-by-user", "peer/admin-token", "aut/user-secret",
        "aut/user-mac", "aut/jti-single-use", "aut/htu-query", "aut/aud",
        // SYN: pushes, the merge, the feed, conversations
        "syn/signature-verified", "syn/signature-required", "syn/stale", "syn/retransmission", "syn/pull-answer", "syn/pull-own-user", "mrg/order", "mrg/scalar-version", "mrg/surfaces",
        "cnv/write-verbatim", "cnv/version", "cnv/other-tenant", "cnv/list",
        // MPP and TEL
        "mpp/swift", "mpp/surfaces", "tel/opens", "tel/no-credential", "tel/duplicates",
        // SEC and PRV: keys, consent, what is shown of personal data
        "rot/notice", "rot/replay", "rot/no-grace", "aud/admin-only", "prv/defaults",
        // OBS
        "obs/counts", "obs/own-only"};
}

}  // namespace bsp::conformance
