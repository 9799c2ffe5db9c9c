import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;

/**
 * Grants rights to a user of a test broker (tests/support/kafka/authorized.rs); java runs this source file.
 * Arguments: the broker's address, the user, and for each right a type of resource, its name and an operation.
 */
class Allow {
    public static void main(String[] args) throws Exception {
        List<AclBinding> rights = new ArrayList<>();
        for (int i = 2; i + 2 < args.length; i += 3) {
            ResourceType type = ResourceType.valueOf(args[i]);
            ResourcePattern resource = new ResourcePattern(type, args[i + 1], PatternType.LITERAL);
            AclOperation operation = AclOperation.valueOf(args[i + 2]);
            String user = "User:" + args[1];
            rights.add(new AclBinding(resource, new AccessControlEntry(user, "*", operation, AclPermissionType.ALLOW)));
        }
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", args[0]))) {
            admin.createAcls(rights).all().get();
        }
    }
}
