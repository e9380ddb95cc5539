#include "libs/app/platform_services.h"

#include <initializer_list>

#include "dinh/feedback/v1/board_service.pb.h"
#include "dinh/feedback/v1/desk_service.pb.h"
#include "dinh/feedback/v1/open311_service.pb.h"
#include "dinh/feedback/v1/photo_service.pb.h"
#include "dinh/feedback/v1/report_service.pb.h"
#include "dinh/identity/v1/auth_service.pb.h"
#include "dinh/identity/v1/officer_service.pb.h"
#include "dinh/identity/v1/person_service.pb.h"
#include "dinh/payments/v1/service.pb.h"
#include "dinh/procedures/v1/catalogue_service.pb.h"
#include "dinh/procedures/v1/desk_service.pb.h"
#include "dinh/procedures/v1/dossier_service.pb.h"
#include "dinh/procedures/v1/upload_service.pb.h"
#include "dinh/territory/v1/service.pb.h"

namespace dinh::app {
namespace {

using google::protobuf::Descriptor;

// One message of each file stands for the file: so the linker keeps it.
PlatformService ServicesOf(const char* name, std::initializer_list<const Descriptor*> messages) {
  PlatformService out{name, {}};
  for (const Descriptor* message : messages) {
    const auto* file = message->file();
    for (int i = 0; i < file->service_count(); ++i) out.proto_services.push_back(file->service(i)->full_name());
  }
  return out;
}

}  // namespace

const std::vector<PlatformService>& PlatformServices() {
  static const std::vector<PlatformService> services = {
      ServicesOf("territory", {territory::v1::GetUnitRequest::descriptor()}),
      ServicesOf("identity", {identity::v1::SendOtpRequest::descriptor(), identity::v1::GetMeRequest::descriptor(),
                              identity::v1::ListOfficersRequest::descriptor()}),
      ServicesOf("payments", {payments::v1::OpenChargeRequest::descriptor()}),
      ServicesOf(
          "procedures",
          {procedures::v1::ListProceduresRequest::descriptor(), procedures::v1::AcceptDossierRequest::descriptor(),
           procedures::v1::GetAttachmentRequest::descriptor(), procedures::v1::Upload::descriptor()}),
      ServicesOf("feedback",
                 {feedback::v1::ListCategoriesRequest::descriptor(), feedback::v1::AssignReportRequest::descriptor(),
                  feedback::v1::ListServicesRequest::descriptor(), feedback::v1::GetPhotoRequest::descriptor(),
                  feedback::v1::ConfirmPhoneRequest::descriptor()}),
  };
  return services;
}

}  // namespace dinh::app
