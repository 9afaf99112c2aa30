//! Every code that ONTAP answers with has the class that its documentation suggests.

use ontap_flow::errors::of_api;
use ontap_flow::ontap::Code;
use reconcile::Class;

#[test]
fn every_code_has_its_class() {
    let table: [(Class, &[Code]); 3] = [
        // Already there, not there, in use: what is then observed decides.
        (
            Class::Conflict,
            &[
                Code::DUPLICATE,
                Code::SVM_NAME_IN_USE,
                Code::LIF_EXISTS,
                Code::DUPLICATE_ADDRESS,
                Code::NOT_THERE,
                Code::PASSWORD_SAME,
                Code::PASSWORD_USED_BEFORE,
            ],
        ),
        // In progress, internal, perhaps half made: it may pass by itself.
        (
            Class::Transient,
            &[
                Code::SVM_BEING_CREATED,
                Code::SVM_BUSY,
                Code::TOO_MANY_JOBS,
                Code::SVM_CREATE_FAILED,
                Code::SVM_JOB_FAILED,
                Code::LIF_INCONSISTENT,
                Code::UNREACHABLE,
            ],
        ),
        // What was asked for cannot be.
        (
            Class::Config,
            &[
                Code::BAD_FIELD,
                Code::SVM_NAME_TOO_LONG,
                Code::LIF_VIP_PORT,
                Code::LIF_VIP_RULES,
                Code::LIF_NO_PORT,
                Code::LIF_NO_DOMAIN_PORT,
                Code::PASSWORD_HAS_USER,
                Code::PASSWORD_TOO_SHORT,
                Code::PASSWORD_TOO_SIMPLE,
                Code::PASSWORD_TOO_PLAIN,
                Code::PASSWORD_TOO_LONG,
            ],
        ),
    ];
    for (class, codes) in table {
        for code in codes {
            assert_eq!(of_api((*code).into()).class, class, "{code}: {}", code.message());
        }
    }
    // More room, or another right, is for people to give.
    for code in [Code::NO_SPACE, Code::NOT_AUTHORIZED] {
        assert_eq!(of_api(code.into()).class, Class::NeedsHuman, "{code}");
    }
}
